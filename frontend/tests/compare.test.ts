import { describe, expect, it } from "vitest";
import { Column } from "../lib/column";
import { addressOf, MOST_RUNS, operationsOf, outcome, overlayOf, parametersOf, placesFrom, put, shortened, withFlops, type Compared } from "../lib/compare.svelte";
import { lay, type Wish } from "../lib/learning";
import { lookOf, type Curves } from "../lib/overlay";
import { readingsAt, stepAt, stepsOf, xOf } from "../lib/reading";
import type { Kind } from "../lib/schema";

const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const curve = (step: number[], value: number[]): Curves[string] => ({ step: Column.of(step), value: Column.of(value) });

describe("the places of an address", () => {
  it("keep their colours when a run is taken out", () => {
    const places = placesFrom(`${id(1)},,${id(3)}`);
    expect(places).toEqual([id(1), "", id(3)]);
    expect(put(places, id(4))).toEqual([id(1), id(4), id(3)]);
    expect(put(places, id(3))).toBe(places);
    expect(addressOf([id(1), "", ""])).toBe(id(1));
    expect(addressOf(["", id(2)])).toBe(`,${id(2)}`);
  });
  it("hold no strangers, no run twice and not too many", () => {
    expect(placesFrom(`x,${id(1)},${id(1)}`)).toEqual(["", id(1), ""]);
    expect(placesFrom(null)).toEqual([""]);
    const full = Array.from({ length: MOST_RUNS }, (_, number) => id(number));
    expect(put(full, id(99))).toEqual(full);
    expect(placesFrom([...full, id(99)].join(",")).length).toBe(MOST_RUNS);
  });
  it("have looks that can be told apart", () => {
    expect(new Set(Array.from({ length: MOST_RUNS }, (_, place) => JSON.stringify(lookOf(place)))).size).toBe(MOST_RUNS);
  });
});

const curves: Curves = { loss: curve([1, 2, 3], [8, 6, 5]), val_loss: curve([1, 3], [7, 7.5]), tokens: curve([1, 2, 3], [10, 20, 30]), memory: curve([1, 2], [5, 9]) };
const compared = (place: number, params: Record<string, unknown>, name = "run"): Compared => ({ place, curves, parameters: 100, operations: 600, job: { id: id(place), name, kind: "clm", params, inputs: { corpus: { id: null, name: "plays" } } } as unknown as Compared["job"] });

it("says what came of a run", () => {
  expect(outcome(curves)).toEqual({ loss: 5, held: 7.5, best: 7, bestStep: 1, seconds: null, memory: 9 });
  expect(outcome({})).toEqual({ loss: null, held: null, best: null, bestStep: null, seconds: null, memory: null });
});

it("finds the parameters that differ", () => {
  const kinds = [{ name: "clm", params: { properties: { corpus: { title: "Corpus" }, steps: { title: "Steps", type: "integer" }, seed: { title: "Seed", type: "integer" }, probes: { title: "Pinned", type: "array", items: { type: "string" } } } } }] as unknown as Kind[];
  const rows = parametersOf([compared(0, { corpus: "x", steps: 5, seed: 1, probes: ["a king", "a queen"] }), compared(1, { corpus: "x", steps: 9, probes: [] })], kinds);
  expect(rows.map(({ name, values, differs }) => [name, values, differs])).toEqual([
    ["corpus", ["plays", "plays"], false],
    ["steps", ["5", "9"], true],
    ["seed", ["1", "–"], true],
    ["probes", ["a king · a queen", "–"], true],
  ]);
});

it("tells runs of one name apart and leaves out hidden ones", () => {
  const items = [compared(0, {}), compared(1, {}), compared(2, {}, "other")];
  expect(overlayOf(items, new Set()).map(({ label }) => label)).toEqual(["run (1)", "run (2)", "other"]);
  expect(overlayOf(items, new Set([id(0)])).map(({ colour }) => colour)).toEqual(["c2", "c3"]);
});

describe("a picture of several runs", () => {
  const other: Curves = { loss: curve([1, 2, 3], [9, 7, 100]), tokens: curve([1, 2, 3], [100, 200, 300]) };
  const wish = (changes: Partial<Wish>): Wish => ({
    series: {},
    lines: [{ key: "a", label: "a", color: "c1", series: withFlops(curves, 600), name: "loss" }, { key: "b", label: "b", color: "c2", series: withFlops(other, 600), name: "loss" }],
    axis: "tokens",
    smoothing: 0,
    log: false,
    step: 3,
    steps: null,
    across: true,
    ...changes,
  });
  it("is read at one place of the axis, whatever the steps are", () => {
    const laid = lay(wish({}));
    expect(Array.from(stepsOf(laid))).toEqual([10, 20, 30, 100, 200, 300]);
    expect([stepAt(laid, 190), xOf(laid, 190)]).toEqual([200, 190]);
    expect(readingsAt(laid, 20).map(({ line, value }) => [line.key, value])).toEqual([["a", 6]]);
    expect(readingsAt(lay(wish({ axis: "step" })), 2).map(({ value }) => value)).toEqual([6, 7]);
  });
  it("counts the operations of the estimate, and leaves out a run of unknown size", () => {
    expect(operationsOf({ parameters: 100, tokens: 50, flops: 20_500 })).toBe(410);
    expect(operationsOf({ parameters: 100, tokens: null, flops: null })).toBe(600);
    expect(Array.from(lay(wish({ axis: "flops" })).lines[0]?.raw.x ?? [])).toEqual([6000, 12000, 18000]);
    const unknown = { key: "c", label: "c", color: "c3", series: withFlops(other, null), name: "loss" };
    expect(lay(wish({ axis: "flops", lines: [unknown] })).lines).toEqual([]);
  });
  it("may leave outliers outside and stretch the beginning", () => {
    const values = Array.from({ length: 200 }, (_, step) => (step === 150 ? 1e6 : 5 - step / 100));
    const spiky: Curves = { loss: curve(values.map((_, step) => step + 1), values) };
    const lines = [{ key: "a", label: "a", color: "c1", series: spiky, name: "loss" }];
    expect(lay(wish({ lines, axis: "step" })).y.range[1]).toBeGreaterThan(1e5);
    expect(lay(wish({ lines, axis: "step", clip: true })).y.range[1]).toBeLessThan(10);
    const laid = lay(wish({ lines, axis: "step", logX: true }));
    expect([laid.logX, laid.x.range[0]]).toEqual([true, 1]);
    expect(laid.x.ticks).toContain(10);
  });
});

it("shortens a name in its middle: its end is where the runs of a sweep differ", () => {
  expect(shortened("Language model · Shakespeare")).toBe("Language model · Shakespeare");
  expect(shortened("Language model · Shakespeare, from step 100")).toBe("Language model…from step 100");
  const [one, other] = ["0.001, Seed 1", "0.001, Seed 2"].map((end) => shortened(`Language model · Shakespeare · Learning rate ${end}`));
  expect(one).not.toBe(other);
  expect(shortened("短名")).toBe("短名");
});
