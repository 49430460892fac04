/** Running counts of how words were hidden, against what was aimed at. */
import { CHOSEN, type Chosen, type Counts } from "./preview";

export type Point = { words: number; share: number };

/** The sums over the batches looked at, each batch once, and the way there. */
export class Tally {
  readonly words: number;
  readonly batches: number;
  private readonly sums: Record<Chosen, number>;
  private readonly ways: Record<Chosen, Point[]>;

  constructor(counts: Iterable<Counts> = []) {
    const sums = { masked: 0, replaced: 0, kept: 0 };
    const ways: Record<Chosen, Point[]> = { masked: [], replaced: [], kept: [] };
    let [words, batches] = [0, 0];
    for (const count of counts) {
      words += count.words;
      batches += 1;
      for (const how of CHOSEN) {
        sums[how] += count[how];
        if (words > 0) ways[how].push({ words, share: sums[how] / words });
      }
    }
    [this.words, this.batches, this.sums, this.ways] = [words, batches, sums, ways];
  }

  count(how: Chosen): number {
    return this.sums[how];
  }

  share(how: Chosen): number {
    return this.words === 0 ? 0 : this.sums[how] / this.words;
  }

  /** The share after each batch. */
  way(how: Chosen): Point[] {
    return this.ways[how];
  }
}

/** The standard error of a share of `words` independent draws: sqrt(p (1 - p) / n). */
export function standardError(share: number, words: number): number {
  return words > 0 ? Math.sqrt((share * (1 - share)) / words) : 0;
}

/** How many standard errors a share is off its aim; null where nothing was aimed at. */
export function deviation(tally: Tally, how: Chosen, aim: number): number | null {
  const error = standardError(aim, tally.words);
  return error === 0 ? null : (tally.share(how) - aim) / error;
}

export type Funnel = { band: string; aim: number; way: string; end: { x: number; y: number } | null };

/** Standard errors on each side that the funnel shows, and half the height of the picture in those of the first batch. */
const [BAND, HALF] = [2, 3.5];

/** Shares over the words seen, in a picture `width` by `height` with the aim in its middle, and what chance allows. */
export function funnel(way: Point[], aim: number, width: number, height: number): Funnel {
  const middle = height / 2;
  const [first, last] = [way[0], way.at(-1)];
  if (first === undefined || last === undefined) return { band: "", aim: middle, way: "", end: null };
  // From half a batch on, so that the first batch is a point within the picture.
  const start = first.words / 2;
  const end = Math.max(last.words, first.words * 4);
  const unit = standardError(aim, first.words) || 1;
  const x = (words: number): number => round((Math.log(words / start) / Math.log(end / start)) * width);
  const y = (share: number): number => round(middle - Math.max(-1, Math.min(1, (share - aim) / unit / HALF)) * middle);
  const ticks = Array.from({ length: 25 }, (_, i) => start * (end / start) ** (i / 24));
  const edge = (side: number): string[] => ticks.map((words) => `${x(words)} ${y(aim + side * BAND * standardError(aim, words))}`);
  const points = way.map(({ words, share }) => `${x(words)} ${y(share)}`);
  return {
    band: `M${edge(1).join("L")}L${edge(-1).reverse().join("L")}Z`,
    aim: middle,
    way: points.length > 1 ? `M${points.join("L")}` : "",
    end: { x: x(last.words), y: y(last.share) },
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
