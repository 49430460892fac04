/** What a run's probes say, as numbers and texts to be drawn. Nothing here draws or asks. */
import type { components } from "./api.generated";

type Shapes = components["schemas"];
export type About = Omit<Shapes["ProbeIndex"], "steps">;
export type PinnedSentence = Shapes["ProbeSentence"];
export type PinnedToken = Shapes["ProbeToken"];
export type Place = Shapes["ProbePlace"];
export type Layers = Shapes["ProbeLayers"];
/** A recorded step as its event tells it; the first of a run says what is true of all. */
export type ProbeRecord = Shapes["ProbeRecord"] & { about?: About };

/** Bytes of attention and how they lie: layers, heads, looking tokens, tokens looked at. */
export interface Attention {
  codes: Uint8Array;
  layers: number;
  heads: number;
  tokens: number;
}

const LEVELS = 255;

/** The weight that a byte stands for. */
export function weight(code: number): number {
  return (code / LEVELS) ** 2;
}

/** The (tokens, tokens) bytes of one head. */
export function headOf({ codes, heads, tokens }: Attention, layer: number, head: number): Uint8Array {
  const size = tokens * tokens;
  const from = (layer * heads + Math.min(head, heads - 1)) * size;
  return codes.subarray(from, from + size);
}

/** What a token looks at, the most first: as many as have at least a hundredth, `most` at most. */
export function looksAt(head: Uint8Array, tokens: number, row: number, most = 4): { token: number; weight: number }[] {
  return Array.from({ length: tokens }, (_, token) => ({ token, weight: weight(head[row * tokens + token] ?? 0) }))
    .filter((seen) => seen.weight >= 0.01)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, most);
}

export type Guess = { text: string; p: number; kind: "guess" | "true" };
/** What stands at token `index` and what was expected there; the place after the last token has no token. */
export interface Expected {
  index: number | null;
  p: number | null;
  guesses: Guess[];
}

/**
 * The expectations by the token that they are about. A causal network says after each token what comes next, so they
 * move on by one, and the last is about what would follow; nobody was asked for the first token.
 */
export function expectations(places: Place[], names: string[], causal: boolean, most = 4): Expected[] {
  const about = places.map((place, at) => ({ place, index: causal ? (at + 1 < places.length ? at + 1 : null) : at }));
  return about
    .filter(({ place }) => (place.top ?? []).length > 0)
    .map(({ place, index }) => {
      const p = place.p ?? null;
      const guesses: Guess[] = (place.top ?? []).slice(0, most).map(([text, share], rank) => ({ text, p: share, kind: rank === place.rank ? "true" : "guess" }));
      const among = guesses.some(({ kind }) => kind === "true");
      if (p !== null && index !== null && !among) guesses.push({ text: names[index] ?? "", p, kind: "true" });
      return { index, p, guesses };
    });
}

/** Where the steps stand from 0 to 1: by their logarithm, as the schedule has them further and further apart. */
export function stations(steps: readonly number[], end: number): number[] {
  const whole = Math.log(Math.max(end, 2));
  return steps.map((step) => Math.log(Math.max(1, step)) / whole);
}

/** The index of the station that is nearest to a place from 0 to 1. */
export function nearestStation(places: number[], at: number): number {
  let best = 0;
  places.forEach((place, i) => {
    if (Math.abs(place - at) < Math.abs((places[best] ?? 0) - at)) best = i;
  });
  return best;
}

/** The text that was written last at or before a step. */
export function textAt<T extends { step: number }>(texts: readonly T[], step: number): T | null {
  return texts.reduce<T | null>((best, text) => (text.step <= step && (best === null || text.step >= best.step) ? text : best), null);
}

/** Round steps for the labels of a logarithmic axis: 1, 10, 100, ... up to its end. */
export function decades(end: number): number[] {
  return Array.from({ length: Math.floor(Math.log10(Math.max(1, end)) + 1e-9) + 1 }, (_, power) => 10 ** power);
}

/** Least and most of one figure over all records, so that its scale stands still. */
export function ranges(records: readonly ProbeRecord[], figure: (layers: Layers, at: number) => number): [number, number][] {
  const first = records[0]?.layers.name.length ?? 0;
  return Array.from({ length: first }, (_, at) => {
    const values = records.map(({ layers }) => figure(layers, at)).filter((value) => value > 0);
    return values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 0];
  });
}
