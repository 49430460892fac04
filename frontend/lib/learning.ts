/**
 * The picture of a learning curve: raw values faintly, the smoothed line over them, its name and newest value at its
 * end. `lay` computes everything in numbers, so that what reads the picture (the cross-hair, the summary) uses the very
 * same scales that were drawn.
 */
import {
  extent,
  horizon,
  linearScale,
  logScale,
  middle,
  place,
  smooth,
  above,
  spread,
  thin,
  timeTicks,
  type Axis,
  type Points,
  type Scale,
} from "./curve";
import { count, decimal } from "./format";
import { t } from "./i18n";
import { baseLayout, type Picture, type Size, type Theme } from "./plot";
import type { Series } from "./run";

export interface LineSpec {
  key: string;
  label: string;
  color: string;
  /** Few points, each an exact measurement: drawn as they are. */
  exact?: boolean;
  /** The curves of another run, by name, and which of them this line is. */
  series?: Readonly<Record<string, Series>>;
  name?: string;
  /** Drawn behind the others, faintly and without a name at its end. */
  quiet?: boolean;
  dash?: "dash" | "dot" | "dashdot";
}

export interface Wish {
  series: Readonly<Record<string, Series>>;
  lines: LineSpec[];
  axis: Axis;
  smoothing: number;
  log: boolean;
  step: number;
  steps: number | null;
  /** For lines of several runs: read all of them at one place of the axis, and not at one step. */
  across?: boolean;
  logX?: boolean;
  /** Outliers may lie outside of the picture. */
  clip?: boolean;
}

export interface Laid {
  x: Scale;
  y: Scale;
  log: boolean;
  logX: boolean;
  across: boolean;
  clip: boolean;
  lines: (LineSpec & { steps: Float64Array; raw: Points; smooth: Float64Array })[];
}

const MOST_POINTS = 1200;

/** All numbers of the picture, for a pane so many letters wide. */
export function lay(wish: Wish, letters = 80): Laid {
  const lines = wish.lines.flatMap((spec) => {
    const all = spec.series ?? wish.series;
    const series = all[spec.name ?? spec.key];
    if (series === undefined || series.step.length === 0) return [];
    if (wish.axis === "flops" && all.flops === undefined) return [];
    const steps = series.step.view();
    const raw = { x: place(wish.axis, steps, all), y: series.value.view() };
    return [{ ...spec, steps, raw, smooth: spec.exact ? raw.y : smooth(raw.y, wish.smoothing) }];
  });
  const clip = wish.clip ?? false;
  // What is clipped is the noise: the smoothed lines and the measured ones stay in sight.
  const [low, high] = (clip ? middle(...lines.map((line) => line.smooth)) : extent(...lines.map((line) => line.raw.y))) ?? [0, 1];
  const reached = extent(...lines.map((line) => line.raw.x))?.[1] ?? 0;
  // Where the picture is of one run with another behind it, the plan of steps is that one run's.
  const own = lines.filter((line) => line.series === undefined);
  const at = own.length > 0 ? (extent(...own.map((line) => line.raw.x))?.[1] ?? 0) : reached;
  const log = wish.log && low > 0;
  const end = Math.max(horizon(at, wish.step, wish.steps), reached) || (wish.steps ?? 1);
  const about = Math.max(3, Math.min(7, Math.floor(letters / 9)));
  const first = wish.logX ? (extent(...lines.map((line) => line.raw.x.filter((x) => x > 0)))?.[0] ?? 0) : 0;
  const logX = first > 0 && end > first;
  const ticks = wish.axis === "seconds" ? timeTicks(end, about) : linearScale(0, end, about).ticks;
  return {
    x: logX ? { range: [first, end], ticks: logScale(first, end, Math.ceil(about / 2)).ticks } : { range: [0, end], ticks: ticks.filter((tick) => tick <= end) },
    logX,
    across: wish.across ?? false,
    clip,
    y: lines.length === 0 ? { range: [0, 1], ticks: [] } : log ? logScale(low, high) : linearScale(low, high),
    log,
    lines,
  };
}

/** So many names fit into the free corner of a narrow picture; more would lie on the curves. */
const CORNER = 4;

/** Below so many letters the labels have no room beside the curve. */
const NARROW = 40;

/** Pixels kept free around the curve; the right ones hold the labels of lines that have reached their end. */
export function margins(theme: Theme, size: Size, labels: string[]): { l: number; r: number; t: number; b: number } {
  const longest = Math.max(0, ...labels.map((label) => lettersOf(label)));
  const right = size.width / theme.size < NARROW ? 1.6 : 1.4 + longest * 0.52;
  return { l: theme.size * 2.6, r: theme.size * right, t: theme.size * 0.8, b: theme.size * 2.2 };
}

/** A label's width in letters; Chinese ones are twice as wide. */
function lettersOf(label: string): number {
  return [...label].reduce((sum, letter) => sum + (letter > "\u2e80" ? 2 : 1), 0);
}

export interface Words {
  axis: string;
  step(step: number): string;
  x(value: number): string;
  y(value: number): string;
  end(line: LineSpec, value: number): string;
}

export function draw(laid: Laid, words: Words, theme: Theme, size: Size): Picture {
  const named = { ...laid, lines: laid.lines.filter((line) => !line.quiet) };
  const labels = named.lines.map((line) => words.end(line, line.smooth.at(-1) ?? 0));
  const margin = margins(theme, size, labels);
  const [bottom, top] = (laid.log ? laid.y.range.map(Math.log10) : laid.y.range) as [number, number];
  const pixels = (size.height - margin.t - margin.b) / (top - bottom);
  const base = baseLayout(theme, size);
  const narrow = size.width / theme.size < NARROW;
  return {
    data: [...laid.lines].sort((a, b) => Number(b.quiet ?? false) - Number(a.quiet ?? false)).flatMap((line) => traces(line, theme, laid.clip)),
    layout: {
      ...base,
      margin,
      xaxis: { ...base.xaxis, type: laid.logX ? "log" : "linear", range: laid.logX ? laid.x.range.map(Math.log10) : laid.x.range, tickvals: laid.x.ticks, ticktext: laid.x.ticks.map(words.x) },
      yaxis: {
        ...base.yaxis,
        type: laid.log ? "log" : "linear",
        range: [bottom - 2 / pixels, top + 2 / pixels], // two pixels wider, so that the outermost gridlines are drawn too
        tickvals: laid.y.ticks,
        ticktext: laid.y.ticks.map((tick) => `${words.y(tick)}\u2002`),
      },
      annotations: [...(narrow && labels.length > CORNER ? [] : endLabels(named, labels, theme, pixels, narrow, -bottom * pixels)), ...(narrow ? [] : [axisLabel(words.axis, theme)])],
    },
  };
}

type Annotation = NonNullable<Picture["layout"]["annotations"]>[number];

/** The name and newest value of each line: behind its end, or where that is too narrow, in the free upper corner. */
function endLabels(laid: Laid, labels: string[], theme: Theme, pixels: number, narrow: boolean, floor: number): Partial<Annotation>[] {
  const scale = (value: number): number => (laid.log ? Math.log10(value) : value);
  const wanted = laid.lines.map((line) => -scale(line.smooth.at(-1) ?? 0) * pixels);
  // The lowest stays above the name of the axis, which stands below the corner.
  const moved = above(spread(wanted, theme.size * 1.35), floor - theme.size * 0.6, theme.size * 1.35);
  // All of them behind the longest line: nothing is drawn there.
  const reached = Math.max(0, ...laid.lines.map((line) => line.raw.x.at(-1) ?? 0));
  return laid.lines.map((line, index) => {
    const shared = { text: escape(labels[index] as string), font: { color: theme.color(line.color) }, showarrow: false };
    if (narrow) {
      const yshift = -index * theme.size * 1.35;
      return { ...shared, xref: "paper", yref: "paper", x: 1, y: 1, xanchor: "right", yanchor: "top", yshift };
    }
    return {
      ...shared,
      x: laid.logX ? Math.log10(reached) : reached,
      y: scale(line.smooth.at(-1) ?? 0),
      xanchor: "left",
      xshift: theme.size * 0.7,
      yshift: (wanted[index] as number) - (moved[index] as number),
    };
  });
}

function axisLabel(text: string, theme: Theme): Partial<Annotation> {
  return {
    text: escape(text),
    xref: "paper",
    yref: "paper",
    x: 1,
    y: 0,
    xanchor: "left",
    yanchor: "top",
    xshift: theme.size * 1.4,
    yshift: theme.size * 0.08,
    showarrow: false,
  };
}

function traces(line: Laid["lines"][number], theme: Theme, clip: boolean): Picture["data"] {
  const color = theme.color(line.color);
  const shared = { type: "scatter" as const, hoverinfo: "skip" as const, cliponaxis: clip };
  const main = thin({ x: line.raw.x, y: line.smooth }, MOST_POINTS);
  const single = line.raw.y.length === 1;
  const over = {
    ...shared,
    ...main,
    mode: (single || (line.exact && line.raw.y.length <= 40) ? "lines+markers" : "lines") as "lines",
    line: { color, width: line.quiet ? 1.5 : 2, dash: line.dash ?? ("solid" as const) },
    marker: { color, size: single ? 7 : 5 },
    opacity: line.quiet ? 0.5 : 1,
  };
  if (line.smooth === line.raw.y || line.quiet) return [over];
  const under = {
    ...shared,
    ...thin(line.raw, MOST_POINTS),
    mode: "lines" as const,
    line: { color, width: 1 },
    opacity: 0.36,
  };
  return [under, over];
}

/** Plotly reads a few tags in text; a label is text only. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The curve in words, for who cannot see it. */
export function summary(laid: Laid): string {
  return laid.lines
    .map((line) => {
      const values = line.raw.y;
      const lowest = values.indexOf(extent(values)?.[0] ?? 0);
      return t("{name}: {from} at step {first}, {to} at step {last}, lowest {lowest} at step {where}.", {
        name: line.label,
        from: decimal(values[0] as number, 3),
        first: count(line.steps[0] as number),
        to: decimal(values.at(-1) as number, 3),
        last: count(line.steps.at(-1) as number),
        lowest: decimal(values[lowest] as number, 3),
        where: count(line.steps[lowest] as number),
      });
    })
    .join(" ");
}
