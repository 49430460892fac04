import { describe, expect, it, test } from "vitest";
import { Column } from "../lib/column";
import { draw, lay, summary, type Wish, type Words } from "../lib/learning";
import type { Theme } from "../lib/plot";
import { clock, secondsLeft } from "../lib/runWords";

const wish: Wish = {
  series: {
    loss: { step: Column.of([1, 2, 3, 4]), value: Column.of([8, 7, 6, 5]) },
    val_loss: { step: Column.of([1, 3]), value: Column.of([8, 6.2]) },
    tokens: { step: Column.of([1, 4]), value: Column.of([10, 40]) },
  },
  lines: [
    { key: "loss", label: "training", color: "c1" },
    { key: "val_loss", label: "held <out>", color: "c2", exact: true },
  ],
  axis: "step",
  smoothing: 0,
  log: false,
  step: 4,
  steps: 10,
};
const theme: Theme = { ink: "", ink2: "", line: "", accent: "", case: "", sans: "sans", size: 14, color: (name) => name };
const words: Words = { axis: "step", step: String, x: String, y: String, end: (line, value) => `${line.label} ${value}` };

describe("lay", () => {
  it("leaves room up to the planned end, on any axis", () => {
    expect(lay(wish).x.range).toEqual([0, 10]);
    expect(lay({ ...wish, axis: "tokens" }).x.range).toEqual([0, 100]);
    expect(Array.from(lay({ ...wish, axis: "tokens" }).lines[1]?.raw.x ?? [])).toEqual([10, 30]);
  });
  it("has no ticks to show before the first point", () => {
    const empty = lay({ ...wish, series: {}, step: 0 });
    expect([empty.lines, empty.y.ticks]).toEqual([[], []]);
  });
  it("smooths what is noisy and leaves exact measurements alone", () => {
    const [loss, held] = lay({ ...wish, smoothing: 0.9 }).lines;
    expect(loss?.smooth[3]).toBeGreaterThan(5);
    expect(held?.smooth).toEqual(held?.raw.y);
  });
});

describe("draw", () => {
  const picture = draw(lay(wish), words, theme, { width: 1000, height: 400 });
  it("writes each name behind the longest line, as text and not as markup", () => {
    const notes = picture.layout.annotations ?? [];
    expect(notes.map(({ text }) => text)).toEqual(["training 5", "held &lt;out&gt; 6.2", "step"]);
    expect(notes.slice(0, 2).map(({ x }) => x)).toEqual([4, 4]);
  });
  it("puts the names into the corner where there is no room", () => {
    const narrow = draw(lay(wish), words, theme, { width: 320, height: 300 });
    expect(narrow.layout.annotations?.every(({ xanchor }) => xanchor === "right")).toBe(true);
  });
  it("draws the raw values beneath the smoothed ones", () => {
    expect(draw(lay({ ...wish, smoothing: 0.9 }), words, theme, { width: 1000, height: 400 }).data).toHaveLength(3);
  });
});

test("the curve in words", () => {
  expect(summary(lay(wish))).toBe(
    "training: 8.000 at step 1, 5.000 at step 4, lowest 5.000 at step 4. held <out>: 8.000 at step 1, 6.200 at step 3, lowest 6.200 at step 3.",
  );
});

test("time left goes by the pace of the newest steps", () => {
  expect(secondsLeft(100, [1, 2, 3], [1, 2, 3])).toBe(97);
  expect(secondsLeft(null, [1, 2], [1, 2])).toBeNull();
  expect(secondsLeft(100, [1], [1])).toBeNull();
});

test("times on an axis", () => {
  expect([clock(0), clock(45), clock(125), clock(3725)]).toEqual(["0:00", "0:45", "2:05", "1:02:05"]);
});
