import { describe, expect, it } from "vitest";
import { Column } from "../lib/column";
import { draw, lay, type Wish, type Words } from "../lib/learning";
import { curvesFrom, lookOf, reached, type Curves } from "../lib/overlay";
import type { Theme } from "../lib/plot";
import { readingsAt, stepAt, stepsOf, xOf } from "../lib/reading";

const curve = (step: number[], value: number[]): Curves[string] => ({ step: Column.of(step), value: Column.of(value) });
const parent: Curves = { loss: curve([1, 2, 3, 4], [8, 7, 6, 5]), tokens: curve([1, 4], [10, 40]) };
const fork: Curves = { loss: curve([3, 4, 5], [5.5, 4.5, 4]), val_loss: curve([5], [4.2]), tokens: curve([3, 5], [30, 50]) };
const wish: Wish = {
  series: fork,
  lines: [
    { key: "loss", label: "training", color: "c1" },
    { key: "val_loss", label: "held out", color: "c2", exact: true },
    { key: "parent", label: "before", color: "c3", series: parent, name: "loss", quiet: true },
  ],
  axis: "step",
  smoothing: 0,
  log: false,
  step: 5,
  steps: 10,
};

describe("curves of several runs", () => {
  const laid = lay(wish);
  it("places each line by the steps and tokens of its own run", () => {
    expect(laid.lines.map((line) => Array.from(line.raw.x))).toEqual([[3, 4, 5], [5], [1, 2, 3, 4]]);
    expect(Array.from(lay({ ...wish, axis: "tokens" }).lines[2]?.raw.x ?? [])).toEqual([10, 20, 30, 40]);
  });
  it("reads every step of any run", () => {
    expect(Array.from(stepsOf(laid))).toEqual([1, 2, 3, 4, 5]);
    expect([stepAt(laid, 1.2), stepAt(laid, 4.9), stepAt(laid, 99)]).toEqual([1, 5, 5]);
    expect([xOf(laid, 1), xOf(lay({ ...wish, axis: "tokens" }), 5)]).toEqual([1, 50]);
  });
  it("reads of another run nothing after its end", () => {
    expect(readingsAt(laid, 4).map(({ line, value }) => [line.key, value])).toEqual([["loss", 4.5], ["parent", 5]]);
    expect(readingsAt(laid, 5).map(({ line }) => line.key)).toEqual(["loss", "val_loss"]);
  });
  it("reads one run as before", () => {
    const alone = lay({ ...wish, lines: wish.lines.slice(0, 2) });
    expect(Array.from(stepsOf(alone))).toEqual([3, 4, 5]);
    expect(stepAt(lay({ ...wish, lines: [] }), 3)).toBeNull();
  });
  it("draws the quiet line behind and does not name it", () => {
    const theme: Theme = { ink: "", ink2: "", line: "", accent: "", case: "", sans: "sans", size: 14, color: (name) => name };
    const words: Words = { axis: "step", step: String, x: String, y: String, end: (line) => line.label };
    const picture = draw(laid, words, theme, { width: 1000, height: 400 });
    expect(picture.layout.annotations?.map(({ text }) => text)).toEqual(["training", "held out", "step"]);
    expect((picture.data[0] as { line: { color: string } }).line.color).toBe("c3");
  });
});

it("tells lines apart by colour, then by dashes", () => {
  const looks = Array.from({ length: 21 }, (_, index) => JSON.stringify(lookOf(index)));
  expect(new Set(looks).size).toBe(21);
  expect(lookOf(0)).toEqual({ colour: "c1" });
  expect(lookOf(7)).toEqual({ colour: "c1", dash: "dash" });
});

it("knows how far a run has come", () => {
  expect(reached(curvesFrom({ loss: { step: [1, 9], value: [2, 1] }, val_loss: { step: [5], value: [3] } }))).toBe(9);
  expect(reached({})).toBe(0);
});
