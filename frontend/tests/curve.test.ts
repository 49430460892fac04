import { describe, expect, it } from "vitest";
import { Column } from "../lib/column";
import { above, extent, horizon, linearScale, logScale, nearest, place, smooth, spread, thin, timeTicks } from "../lib/curve";

const f = (...values: number[]) => Float64Array.from(values);

describe("smooth", () => {
  it("is the values themselves at weight 0 and starts unbiased at any weight", () => {
    expect(smooth(f(3, 1, 2), 0)).toEqual(f(3, 1, 2));
    expect(smooth(f(8, 8, 8), 0.9).every((value) => Math.abs(value - 8) < 1e-12)).toBe(true);
    expect(smooth(f(4, 2), 0.5)[0]).toBe(4);
    expect(smooth(f(4, 2), 0.5)[1]).toBeCloseTo((0.25 * 4 + 0.5 * 2) / 0.75);
  });
});

describe("place", () => {
  const series = { tokens: { step: Column.of([1, 3]), value: Column.of([100, 300]) } };
  it("puts steps on the axis that is asked for", () => {
    expect(place("step", f(1, 2), series)).toEqual(f(1, 2));
    expect(place("tokens", f(1, 2, 3, 9), series)).toEqual(f(100, 200, 300, 300));
  });
  it("falls back to steps where the axis is not known", () => {
    expect(place("seconds", f(1, 2), series)).toEqual(f(1, 2));
  });
});

describe("thin", () => {
  it("leaves short lines alone", () => {
    const points = { x: f(1, 2), y: f(3, 4) };
    expect(thin(points, 100)).toEqual(points);
  });
  it("keeps the ends and every spike, in order", () => {
    const y = new Float64Array(10_000).map((_, index) => Math.sin(index));
    y[7777] = 50;
    const x = y.map((_, index) => index);
    const out = thin({ x, y }, 400);
    expect(out.x.length).toBeLessThanOrEqual(400);
    expect([out.x[0], out.x.at(-1)]).toEqual([0, 9999]);
    expect(Math.max(...out.y)).toBe(50);
    expect(out.x.every((value, index) => index === 0 || value > (out.x[index - 1] as number))).toBe(true);
  });
});

describe("scales", () => {
  it("ends on round ticks", () => {
    expect(linearScale(4.31, 7.62)).toEqual({ range: [4, 8], ticks: [4, 5, 6, 7, 8] });
    expect(linearScale(0, 300).ticks).toEqual([0, 100, 200, 300]);
    expect(linearScale(0.00031, 0.003).range).toEqual([0, 0.003]);
  });
  it("ticks time at whole seconds, minutes or hours", () => {
    expect(timeTicks(41, 6)).toEqual([0, 10, 20, 30, 40]);
    expect(timeTicks(400, 6)).toEqual([0, 120, 240, 360]);
    expect(timeTicks(40_000, 6)).toEqual([0, 7200, 14400, 21600, 28800, 36000]);
  });
  it("opens around a single value", () => {
    const { range } = linearScale(5, 5);
    expect(range[0]).toBeLessThan(5);
    expect(range[1]).toBeGreaterThan(5);
    expect(linearScale(0, 0).range).toEqual([-0.6, 0.6]);
  });
  it("has round ticks on a logarithmic axis, few of them", () => {
    expect(logScale(4.3, 7.6).ticks).toEqual([5, 6, 7]);
    expect(logScale(1e-5, 1e3).ticks.length).toBeLessThan(13);
    expect(logScale(2, 2).range[0]).toBeGreaterThan(0);
  });
});

it("nearest finds the closest point", () => {
  expect([nearest(f(1, 2, 4), 2.9), nearest(f(1, 2, 4), 3.1), nearest(f(1, 2, 4), -5)]).toEqual([1, 2, 0]);
  expect([nearest(f(1, 2, 4), 99), nearest(f(), 1)]).toEqual([2, -1]);
});

it("extent looks at all columns", () => {
  expect(extent([3, 1], f(), [9])).toEqual([1, 9]);
  expect(extent([])).toBeNull();
});

describe("spread", () => {
  it("keeps labels that have room where they are", () => {
    expect(spread([10, 100], 20)).toEqual([10, 100]);
  });
  it("moves close ones apart evenly and keeps their order", () => {
    expect(spread([50, 52], 20)).toEqual([41, 61]);
    const three = spread([52, 50, 51], 10);
    expect(three).toEqual([61, 41, 51]);
  });
});

it("horizon is the planned end, or a little beyond a run without a plan", () => {
  expect(horizon(50, 50, 300)).toBe(300);
  expect(horizon(4096, 2, 10)).toBe(20480);
  expect(horizon(100, 100, null)).toBeCloseTo(105);
});

it("labels stay above the floor and push the others up", () => {
  expect(above([10, 96, 80], 90, 14)).toEqual([10, 90, 76]);
  expect(above([10, 40], 90, 14)).toEqual([10, 40]);
  expect(above([], 90, 14)).toEqual([]);
});
