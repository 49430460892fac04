/** Curves of several runs at once: read from the API, and told apart. */
import { api } from "./api";
import { Column } from "./column";
import type { Series } from "./run";
import type { Series as Written } from "./types";

export type Curves = Readonly<Record<string, Series>>;

export type Dash = "dash" | "dot" | "dashdot";

/** One run of an overlay: its curves by name, what it is called there, and its colour (c1 to c7). */
export interface OverlayRun {
  job: string;
  series: Curves;
  label: string;
  colour: string;
  dash?: Dash;
}

const COLOURS = 7;
const DASHES = [undefined, "dash", "dot", "dashdot"] as const;

/** The look of the n-th line: seven colours, then the same ones dashed, dotted, and both. */
export function lookOf(index: number): Pick<OverlayRun, "colour" | "dash"> {
  const dash = DASHES[Math.floor(index / COLOURS) % DASHES.length];
  return { colour: `c${(index % COLOURS) + 1}`, ...(dash && { dash }) };
}

/** Curves as the API writes them, in the form that pictures read. */
export function curvesFrom(written: Written): Curves {
  return Object.fromEntries(
    Object.entries(written).map(([name, { step, value }]) => [name, { step: Column.of(step), value: Column.of(value) }]),
  );
}

/** All curves of a run. */
export async function curvesOf(job: string): Promise<Curves> {
  return curvesFrom((await api.get<{ series: Written }>(`jobs/${job}/metrics`)).series);
}

/** The highest step of a run that its curves know; 0 before the first. */
export function reached(curves: Curves): number {
  return Math.max(0, ...Object.values(curves).map(({ step }) => step.last || 0));
}
