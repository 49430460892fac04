/**
 * A text cut by one tokenizer, as the page draws it: tokens in groups that cover whole characters, and the gaps between
 * them. All places are bytes of the UTF-8, which every tokenizer agrees on; `utf16` leads back to the string.
 */
import { unpack, type Numbers, type Packed } from "./packed";

export type Counts = {
  tokens: number; special: number; groups: number; unknown: number; characters: number; bytes: number; words: number;
  tokens_per_character: number | null; tokens_per_word: number | null; bytes_per_token: number | null;
};
export type Columns = { ids: Packed; gaps: Packed; lengths: Packed; flags: Packed; vocabulary: Packed; pieces: string[] };
export type Cutting = { id: string; columns: Columns; counts: Counts };

export const SPECIAL = 1;
export const UNKNOWN = 2;
const FIRST = 4;

/** The text's byte offsets as indices of the string; inside a character, the index where it begins. */
export class Bytes {
  readonly utf16: Uint32Array;
  readonly boundary: Uint8Array;
  readonly length: number;

  constructor(readonly text: string) {
    let size = 0;
    for (const character of text) size += width(character.codePointAt(0) ?? 0);
    this.utf16 = new Uint32Array(size + 1);
    this.boundary = new Uint8Array(size + 1);
    let at = 0;
    let index = 0;
    for (const character of text) {
      this.boundary[at] = 1;
      for (let n = width(character.codePointAt(0) ?? 0); n > 0; n--) this.utf16[at++] = index;
      index += character.length;
    }
    this.utf16[at] = index;
    this.boundary[at] = 1;
    this.length = size;
  }

  slice(start: number, end: number): string {
    return this.text.slice(this.utf16[start], this.utf16[end]);
  }

  /** The byte where the character at a string index begins. */
  at(index: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.utf16[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    while (low > 0 && !this.boundary[low]) low--;
    return low;
  }
}

function width(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

export type TokenView = { id: number; piece: string; start: number; end: number; special: boolean; unknown: boolean };

export class Cut {
  readonly ids: Numbers;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  private readonly flags: Numbers;
  private readonly pieces = new Map<number, string>();
  /** By group: its first token, and the bytes that it covers. One more entry ends the list. */
  readonly first: Uint32Array;
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  readonly groups: number;

  constructor(readonly bytes: Bytes, readonly id: string, columns: Columns, readonly counts: Counts) {
    this.ids = unpack(columns.ids);
    this.flags = unpack(columns.flags);
    const gaps = unpack(columns.gaps);
    const lengths = unpack(columns.lengths);
    const n = this.ids.length;
    this.starts = new Uint32Array(n);
    this.ends = new Uint32Array(n);
    const firsts: number[] = [];
    let end = 0;
    for (let i = 0; i < n; i++) {
      const start = end + (gaps[i] ?? 0);
      end = start + (lengths[i] ?? 0);
      this.starts[i] = start;
      this.ends[i] = end;
      if ((this.flags[i] ?? 0) & FIRST) firsts.push(i);
    }
    this.groups = firsts.length;
    this.first = new Uint32Array(firsts.length + 1);
    this.first.set(firsts);
    this.first[firsts.length] = n;
    this.from = new Uint32Array(firsts.length);
    this.to = new Uint32Array(firsts.length);
    for (let g = 0; g < firsts.length; g++) {
      let low = this.starts[firsts[g] ?? 0] ?? 0;
      let high = 0;
      for (let i = this.first[g] ?? 0; i < (this.first[g + 1] ?? 0); i++) {
        low = Math.min(low, this.starts[i] ?? 0);
        high = Math.max(high, this.ends[i] ?? 0);
      }
      while (low > 0 && !bytes.boundary[low]) low--;
      while (high < bytes.length && !bytes.boundary[high]) high++;
      this.from[g] = low;
      this.to[g] = high;
    }
    const known = unpack(columns.vocabulary);
    known.forEach((id, i) => this.pieces.set(id, columns.pieces[i] ?? ""));
  }

  piece(id: number): string {
    return this.pieces.get(id) ?? "";
  }

  /** The tokens of a group. */
  tokens(group: number): TokenView[] {
    const found: TokenView[] = [];
    for (let i = this.first[group] ?? 0; i < (this.first[group + 1] ?? 0); i++) {
      const flag = this.flags[i] ?? 0;
      const id = this.ids[i] ?? 0;
      found.push({ id, piece: this.piece(id), start: this.starts[i] ?? 0, end: this.ends[i] ?? 0, special: (flag & SPECIAL) > 0, unknown: (flag & UNKNOWN) > 0 });
    }
    return found;
  }

  flag(group: number): number {
    return this.flags[this.first[group] ?? 0] ?? 0;
  }

  /** The first group that ends behind a byte; the number of groups where there is none. */
  groupAt(byte: number): number {
    let low = 0;
    let high = this.groups;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.to[middle] ?? 0) > byte) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The groups that overlap the bytes from `start` to `end`, first and last + 1. */
  overlapping(start: number, end: number): [number, number] {
    const first = this.groupAt(start);
    let last = first;
    while (last < this.groups && (this.from[last] ?? 0) < end) last++;
    return [first, last];
  }
}

/** For each cut, which of its groups another tokenizer cuts otherwise. */
export function differences(cuts: Cut[]): Uint8Array[] {
  const [one] = cuts;
  if (!one || cuts.length < 2) return cuts.map((cut) => new Uint8Array(cut.groups));
  const starting = new Uint8Array(one.bytes.length + 1);
  const ending = new Uint8Array(one.bytes.length + 1);
  const inside = new Uint32Array(one.bytes.length + 2);
  for (const cut of cuts) {
    for (let g = 0; g < cut.groups; g++) {
      const from = cut.from[g] ?? 0;
      const to = cut.to[g] ?? 0;
      if (from === to) continue;
      starting[from] = (starting[from] ?? 0) + 1;
      ending[to] = (ending[to] ?? 0) + 1;
    }
  }
  for (let b = 0; b <= one.bytes.length; b++) inside[b + 1] = (inside[b] ?? 0) + (starting[b] ? 1 : 0);
  return cuts.map((cut) => {
    const marks = new Uint8Array(cut.groups);
    for (let g = 0; g < cut.groups; g++) {
      const from = cut.from[g] ?? 0;
      const to = cut.to[g] ?? 0;
      const alike = from === to || (starting[from] === cuts.length && ending[to] === cuts.length && (inside[to] ?? 0) - (inside[from + 1] ?? 0) === 0);
      marks[g] = alike ? 0 : 1;
    }
    return marks;
  });
}

/** Runs of groups that are drawn together: they end at a line break once they are long enough, at the latest after 400. */
export function blocks(cut: Cut): Uint32Array {
  const ends: number[] = [0];
  for (let g = 0, since = 0; g < cut.groups; g++) {
    since++;
    const next = g + 1 < cut.groups ? (cut.from[g + 1] ?? 0) : cut.bytes.length;
    const broken = since >= 30 && cut.bytes.slice(cut.from[g] ?? 0, next).includes("\n");
    if (broken || since >= 400) {
      ends.push(g + 1);
      since = 0;
    }
  }
  if (ends.at(-1) !== cut.groups) ends.push(cut.groups);
  return Uint32Array.from(ends);
}
