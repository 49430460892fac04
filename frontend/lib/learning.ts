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
  place,
  smooth,
  spread,
  thin,
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
}

export interface Wish {
  series: Readonly<Record<string, Series>>;
  lines: LineSpec[];
  axis: Axis;
  smoothing: number;
  log: boolean;
  step: number;
  steps: number | null;
}

export interface Laid {
  x: Scale;
  y: Scale;
  log: boolean;
  lines: (LineSpec & { steps: Float64Array; raw: Points; smooth: Float64Array })[];
}

const MOST_POINTS = 1200;

/** All numbers of the picture. */
export function lay(wish: Wish): Laid {
  const lines = wish.lines.flatMap((spec) => {
    const series = wish.series[spec.key];
    if (series === undefined || series.step.length === 0) return [];
    const steps = series.step.view();
    const raw = { x: place(wish.axis, steps, wish.series), y: series.value.view() };
    return [{ ...spec, steps, raw, smooth: spec.exact ? raw.y : smooth(raw.y, wish.smoothing) }];
  });
  const [low, high] = extent(...lines.map((line) => line.raw.y)) ?? [0, 1];
  const reached = extent(...lines.map((line) => line.raw.x))?.[1] ?? 0;
  const log = wish.log && low > 0;
  const end = horizon(reached, wish.step, wish.steps) || (wish.steps ?? 1);
  const x = linearScale(0, end, 6);
  return {
    x: { range: [0, end], ticks: x.ticks.filter((tick) => tick <= end) },
    y: log ? logScale(low, high) : linearScale(low, high),
    log,
    lines,
  };
}

/** Pixels kept free around the curve; the right one holds the labels of lines that have reached their end. */
export function margins(theme: { size: number }, labels: string[]): { l: number; r: number; t: number; b: number } {
  const longest = Math.max(0, ...labels.map((label) => width(label)));
  return { l: theme.size * 3, r: theme.size * (1.4 + longest * 0.52), t: theme.size * 0.8, b: theme.size * 2.2 };
}

/** A label's width in letters; Chinese ones are twice as wide. */
function width(label: string): number {
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
  const ends = laid.lines.map((line) => ({ line, x: line.raw.x.at(-1) ?? 0, y: line.smooth.at(-1) ?? 0 }));
  const labels = ends.map(({ line, y }) => words.end(line, y));
  const margin = margins(theme, labels);
  const [bottom, top] = laid.log ? laid.y.range.map(Math.log10) : laid.y.range;
  const scale = (value: number): number => (laid.log ? Math.log10(value) : value);
  const pixels = (size.height - margin.t - margin.b) / ((top as number) - (bottom as number));
  const wanted = ends.map(({ y }) => -scale(y) * pixels);
  const moved = spread(wanted, theme.size * 1.35);
  const base = baseLayout(theme, size);
  return {
    data: laid.lines.flatMap((line) => traces(line, theme)),
    layout: {
      ...base,
      margin,
      xaxis: { ...base.xaxis, range: laid.x.range, tickvals: laid.x.ticks, ticktext: laid.x.ticks.map(words.x) },
      yaxis: {
        ...base.yaxis,
        type: laid.log ? "log" : "linear",
        range: [bottom, top],
        tickvals: laid.y.ticks,
        ticktext: laid.y.ticks.map((tick) => `${words.y(tick)}\u2002`),
      },
      annotations: [
        ...ends.map(({ line, x, y }, index) => ({
          x,
          y: scale(y),
          text: escape(labels[index] as string),
          font: { color: theme.color(line.color) },
          showarrow: false,
          xanchor: "left" as const,
          xshift: theme.size * 0.7,
          yshift: (wanted[index] as number) - (moved[index] as number),
        })),
        {
          text: escape(words.axis),
          xref: "paper" as const,
          yref: "paper" as const,
          x: 1,
          y: 0,
          xanchor: "left" as const,
          yanchor: "top" as const,
          xshift: theme.size * 0.7,
          yshift: -theme.size * 0.28,
          showarrow: false,
        },
      ],
    },
  };
}

function traces(line: Laid["lines"][number], theme: Theme): Picture["data"] {
  const color = theme.color(line.color);
  const shared = { type: "scatter" as const, hoverinfo: "skip" as const, cliponaxis: false };
  const main = thin({ x: line.raw.x, y: line.smooth }, MOST_POINTS);
  const single = line.raw.y.length === 1;
  const over = {
    ...shared,
    ...main,
    mode: (single || (line.exact && line.raw.y.length <= 40) ? "lines+markers" : "lines") as "lines",
    line: { color, width: 2 },
    marker: { color, size: single ? 7 : 5 },
  };
  if (line.smooth === line.raw.y) return [over];
  const under = {
    ...shared,
    ...thin(line.raw, MOST_POINTS),
    mode: "lines" as const,
    line: { color, width: 1 },
    opacity: 0.28,
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
