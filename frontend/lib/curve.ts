/** The arithmetic of a learning curve: smoothing, thinning, axes and where labels stand. Nothing here draws. */
import type { Series } from "./run";

export type Axis = "step" | "tokens" | "seconds" | "flops";

/**
 * An exponential moving average without the pull towards zero at its start: the mean so far is divided by the weight
 * that it has gathered (Adam's bias correction). `weight` 0 gives the values themselves; towards 1 it grows smooth.
 */
export function smooth(values: Float64Array, weight: number): Float64Array {
  const out = new Float64Array(values.length);
  let mean = 0;
  let gathered = 0;
  values.forEach((value, index) => {
    mean = weight * mean + (1 - weight) * value;
    gathered = weight * gathered + (1 - weight);
    out[index] = mean / gathered;
  });
  return out;
}

/** Where each step stands on an axis: itself, or the tokens or seconds at it, between two known ones in proportion. */
export function place(axis: Axis, steps: Float64Array, series: Readonly<Record<string, Series>>): Float64Array {
  const known = axis === "step" ? undefined : series[axis];
  if (known === undefined || known.step.length === 0) return steps;
  return steps.map((step) => valueAt(known, step));
}

/** The value of a series at a step, in proportion between its neighbours and flat beyond its ends. */
export function valueAt({ step, value }: Series, at: number): number {
  const right = step.lowerBound(at);
  if (right >= step.length) return value.last;
  if (step.at(right) === at || right === 0) return value.at(right);
  const share = (at - step.at(right - 1)) / (step.at(right) - step.at(right - 1));
  return value.at(right - 1) + share * (value.at(right) - value.at(right - 1));
}

export interface Points {
  x: Float64Array;
  y: Float64Array;
}

/**
 * At most about `most` points that keep the look of a long line: of each bucket the lowest and the highest, in their
 * order, and the very first and last point. A spike of one step is never lost.
 */
export function thin({ x, y }: Points, most: number): Points {
  const length = y.length;
  if (length <= most || most < 4) return { x, y };
  const buckets = Math.floor((most - 2) / 2);
  const keep: number[] = [0];
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const from = 1 + Math.floor((bucket * (length - 2)) / buckets);
    const to = 1 + Math.floor(((bucket + 1) * (length - 2)) / buckets);
    let low = from;
    let high = from;
    for (let index = from; index < to; index += 1) {
      if ((y[index] as number) < (y[low] as number)) low = index;
      if ((y[index] as number) > (y[high] as number)) high = index;
    }
    keep.push(Math.min(low, high));
    if (low !== high) keep.push(Math.max(low, high));
  }
  keep.push(length - 1);
  return { x: Float64Array.from(keep, (i) => x[i] as number), y: Float64Array.from(keep, (i) => y[i] as number) };
}

/** The index of the value nearest to `at` in rising values; -1 where there is none. */
export function nearest(rising: Float64Array, at: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  if (low === rising.length) return low - 1;
  if (low === 0) return 0;
  return at - (rising[low - 1] as number) <= (rising[low] as number) - at ? low - 1 : low;
}

export interface Scale {
  range: [number, number];
  ticks: number[];
}

/**
 * A range with round ends around the values, and its round ticks. It moves by whole ticks only, so that a curve that
 * grows does not make the picture tremble.
 */
export function linearScale(low: number, high: number, about = 5): Scale {
  if (!(high > low)) [low, high] = [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
  const rough = (high - low) / about;
  const size = 10 ** Math.floor(Math.log10(rough));
  const tick = ([1, 2, 2.5, 5, 10].find((factor) => factor * size >= rough) ?? 10) * size;
  const first = Math.floor(low / tick + 1e-9);
  const last = Math.ceil(high / tick - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * tick).toPrecision(12)),
  );
  return { range: [ticks[0] as number, ticks.at(-1) as number], ticks };
}

const TIME_TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

/** Ticks of an axis of seconds from 0, at whole seconds, minutes or hours. */
export function timeTicks(end: number, about: number): number[] {
  const tick = TIME_TICKS.find((size) => end / size <= about) ?? 86400 * Math.ceil(end / 86400 / about);
  return Array.from({ length: Math.floor(end / tick) + 1 }, (_, index) => index * tick);
}

const LOG_TICKS = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];

/** The same on a logarithmic axis, in values (not in their logarithms); all values are above 0. */
export function logScale(low: number, high: number, about = 6): Scale {
  if (!(high > low)) [low, high] = [low / 1.5, high * 1.5];
  const [bottom, top] = [low / 1.03, high * 1.03];
  let ticks: number[] = [];
  for (let power = Math.floor(Math.log10(bottom)); power <= Math.ceil(Math.log10(top)); power += 1) {
    ticks.push(...LOG_TICKS.map((factor) => Number((factor * 10 ** power).toPrecision(6))));
  }
  ticks = ticks.filter((tick) => tick >= bottom && tick <= top);
  if (ticks.length > about * 2) ticks = ticks.filter((tick) => [1, 2, 5].includes(Number(tick.toExponential()[0])));
  if (ticks.length > about * 2) ticks = ticks.filter((tick) => Math.log10(tick) % 1 === 0);
  return { range: [bottom, top], ticks };
}

/** The lowest and highest of all values, or null where there is none. */
export function extent(...columns: ArrayLike<number>[]): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const column of columns) {
    for (let index = 0; index < column.length; index += 1) {
      const value = column[index] as number;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}

/** Of the tallest values this share, and of the lowest, may lie outside of a picture that is clipped. */
const OUTLIERS = 0.02;

/** The extent of the values without their outliers: of each column the middle 96 %, so that a spike does not flatten all. */
export function middle(...columns: Float64Array[]): [number, number] | null {
  return extent(
    ...columns.map((column) => {
      const sorted = column.slice().sort();
      const last = sorted.length - 1;
      return last < 0 ? [] : [sorted[Math.ceil(last * OUTLIERS)] as number, sorted[Math.floor(last * (1 - OUTLIERS))] as number];
    }),
  );
}

/** Moves labels apart that would stand on one another: at least `gap` between neighbours, each moved as little. */
export function spread(positions: number[], gap: number): number[] {
  const order = positions.map((position, index) => ({ position, index })).sort((a, b) => a.position - b.position);
  const groups: { middle: number; members: typeof order }[] = [];
  for (const item of order) {
    let group = { middle: item.position, members: [item] };
    let before = groups.at(-1);
    while (before && group.middle - before.middle < (gap * (group.members.length + before.members.length)) / 2) {
      const members = [...before.members, ...group.members];
      group = { middle: members.reduce((sum, member) => sum + member.position, 0) / members.length, members };
      groups.pop();
      before = groups.at(-1);
    }
    groups.push(group);
  }
  const moved = [...positions];
  for (const { middle, members } of groups) {
    members.forEach(({ index }, rank) => (moved[index] = middle + (rank - (members.length - 1) / 2) * gap));
  }
  return moved;
}

/** Positions that were spread, none of them below the floor (downwards is positive): those at it push the others up. */
export function above(positions: number[], floor: number, gap: number): number[] {
  const moved = [...positions];
  let limit = floor;
  for (const index of [...positions.keys()].sort((a, b) => (positions[b] as number) - (positions[a] as number))) {
    moved[index] = Math.min(moved[index] as number, limit);
    limit = (moved[index] as number) - gap;
  }
  return moved;
}

/** The far end of the axis: where the run will be when all its steps are done, or a little beyond where it is. */
export function horizon(reached: number, step: number, steps: number | null): number {
  if (steps !== null && step > 0) return steps >= step ? (reached * steps) / step : reached;
  return reached * 1.05;
}
