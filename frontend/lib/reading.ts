/** What a cross-hair reads from the lines of a picture, which may be of one run or of several. */
import { nearest } from "./curve";
import type { Laid } from "./learning";

type Line = Laid["lines"][number];

export interface Reading {
  line: Line;
  value: number;
  x: number;
  smooth: number;
}

/** Where the points of a line are told apart: by their steps, or by their place where all runs are read at one place. */
function marksOf(laid: Laid, line: Line): Float64Array {
  return laid.across ? line.raw.x : line.steps;
}

/** All steps (or places) that can be read, rising: those of the first line, and of the lines of other runs. */
export function stepsOf(laid: Laid): Float64Array {
  const lines = readable(laid);
  if (lines.length < 2) return lines[0] ? marksOf(laid, lines[0]) : new Float64Array(0);
  return Float64Array.from(new Set(lines.flatMap((line) => Array.from(marksOf(laid, line))))).sort();
}

/** The step whose point is nearest to a place on the axis; null where there is none. */
export function stepAt(laid: Laid, x: number): number | null {
  let found: number | null = null;
  let distance = Infinity;
  for (const line of readable(laid)) {
    const index = nearest(line.raw.x, x);
    const away = Math.abs((line.raw.x[index] ?? Infinity) - x);
    if (index >= 0 && away < distance) [found, distance] = [marksOf(laid, line)[index] as number, away];
  }
  return found;
}

/** The values at a step: of a measured line the newest one up to it, of another run nothing before it began or after it ended. */
export function readingsAt(laid: Laid, step: number): Reading[] {
  return laid.lines.flatMap((line) => {
    const marks = marksOf(laid, line);
    const [first, last] = [marks[0] ?? Infinity, marks.at(-1) ?? -Infinity];
    if (line.series !== undefined && (step < first || step > last)) return [];
    const place = line.exact ? marks.findLastIndex((known) => known <= step) : nearest(marks, step);
    const value = line.raw.y[place];
    if (value === undefined) return [];
    return [{ line, value, x: line.raw.x[place] as number, smooth: line.smooth[place] as number }];
  });
}

/** Where a step stands on the axis: at the point of a line that has one there. */
export function xOf(laid: Laid, step: number): number | null {
  if (laid.across) return step;
  const lines = readable(laid);
  const line = lines.find(({ steps }) => steps[nearest(steps, step)] === step) ?? lines[0];
  return line?.raw.x[nearest(line.steps, step)] ?? null;
}

function readable(laid: Laid): Line[] {
  return laid.lines.filter((line, index) => index === 0 || (line.series !== undefined && !line.exact));
}
