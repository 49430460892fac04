/** A training by merging, replayed on the page: the words after any number of merges, at once. */
import { unpack, type Numbers, type Packed } from "./packed";

export type Learning = {
  symbols: string[]; hexadecimal: number[]; alphabet: number; left: Packed; right: Packed; product: Packed; count: Packed; tokens: Packed;
  rivals: { width: number; left: Packed; right: Packed; count: Packed };
  words: { text: string; count: number; units: number[] }[];
  unique_words: number; all_words: number; characters: number; bytes: number;
};
export type Pair = { left: number; right: number; count: number };

export class Replay {
  readonly left: Numbers;
  readonly right: Numbers;
  readonly product: Numbers;
  readonly count: Numbers;
  readonly tokens: Numbers;
  readonly steps: number;
  private readonly rivals: { width: number; left: Numbers; right: Numbers; count: Numbers };
  private readonly rank = new Map<number, number>();
  private readonly madeBy = new Map<number, number>();

  constructor(readonly learning: Learning) {
    this.left = unpack(learning.left);
    this.right = unpack(learning.right);
    this.product = unpack(learning.product);
    this.count = unpack(learning.count);
    this.tokens = unpack(learning.tokens);
    this.steps = this.product.length;
    const { width, left, right, count } = learning.rivals;
    this.rivals = { width, left: unpack(left), right: unpack(right), count: unpack(count) };
    for (let step = this.steps - 1; step >= 0; step--) {
      this.rank.set(this.key(this.left[step] ?? 0, this.right[step] ?? 0), step);
      this.madeBy.set(this.product[step] ?? 0, step);
    }
  }

  private key(left: number, right: number): number {
    return left * this.learning.symbols.length + right;
  }

  symbol(number: number): string {
    return this.learning.symbols[number] ?? "";
  }

  /** A word's units after the first `steps` merges. */
  cut(units: number[], steps: number): number[] {
    let parts = units;
    for (;;) {
      let best = steps;
      for (let i = 0; i + 1 < parts.length; i++) best = Math.min(best, this.rank.get(this.key(parts[i] ?? 0, parts[i + 1] ?? 0)) ?? steps);
      if (best >= steps) return parts;
      const merged: number[] = [];
      for (let i = 0; i < parts.length; i++) {
        if (parts[i] === this.left[best] && parts[i + 1] === this.right[best]) {
          merged.push(this.product[best] ?? 0);
          i++;
        } else merged.push(parts[i] ?? 0);
      }
      parts = merged;
    }
  }

  /** The pairs that competed for a step, the chosen one first. */
  competing(step: number): Pair[] {
    const { width, left, right, count } = this.rivals;
    const found: Pair[] = [];
    for (let i = step * width; i < (step + 1) * width && i < left.length; i++) {
      if ((left[i] ?? -1) >= 0) found.push({ left: left[i] ?? 0, right: right[i] ?? 0, count: count[i] ?? 0 });
    }
    return found;
  }

  /** The step that made a symbol; undefined for a single unit. */
  made(symbol: number): number | undefined {
    return this.madeBy.get(symbol);
  }
}

export type Branch = { symbol: number; step: number | null; x: number; depth: number; children: [Branch, Branch] | null };

/** The tree of a symbol's making, laid out: leaves side by side, each parent above the middle of its halves. */
export function tree(replay: Replay, symbol: number): { root: Branch; leaves: number; depth: number } {
  let leaves = 0;
  let deepest = 0;
  const grow = (number: number, depth: number): Branch => {
    deepest = Math.max(deepest, depth);
    const step = replay.made(number);
    if (step === undefined) return { symbol: number, step: null, x: leaves++, depth, children: null };
    const one = grow(replay.left[step] ?? 0, depth + 1);
    const other = grow(replay.right[step] ?? 0, depth + 1);
    return { symbol: number, step, x: (one.x + other.x) / 2, depth, children: [one, other] };
  };
  const root = grow(symbol, 0);
  return { root, leaves, depth: deepest };
}

export function flat(branch: Branch): Branch[] {
  return branch.children ? [branch, ...flat(branch.children[0]), ...flat(branch.children[1])] : [branch];
}
