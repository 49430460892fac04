/**
 * A text cut by one tokenizer, as the page draws it: tokens in groups that cover whole characters, and the gaps between
 * them. The text lies in blocks, which stay the same objects as long as nothing in them is edited, so that a key redraws
 * one of them. Within a block all places are bytes of its UTF-8; a cut knows where each block begins.
 */
import type { Numbers } from "./packed";

export type Counts = {
  tokens: number; special: number; groups: number; unknown: number; characters: number; bytes: number; words: number;
  tokens_per_character: number | null; tokens_per_word: number | null; bytes_per_token: number | null;
};

export const SPECIAL = 1;
export const UNKNOWN = 2;
export const FIRST = 4;

// As the server counts words: every Han character, kana or hangul syllable is one, else a run of letters and digits.
const ALONE = "\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7af\\uf900-\\ufaff\\u{20000}-\\u{3ffff}";
const WORD = new RegExp(`[${ALONE}]|(?:(?![${ALONE}])[\\p{L}\\p{N}])+`, "gu");

/** A text's byte offsets as indices of the string; inside a character, the index where it begins. */
export class Bytes {
  readonly utf16: Uint32Array;
  readonly boundary: Uint8Array;
  readonly length: number;
  readonly characters: number;
  private counted: number | null = null;

  constructor(readonly text: string) {
    let size = 0;
    for (const character of text) size += width(character.codePointAt(0) ?? 0);
    this.utf16 = new Uint32Array(size + 1);
    this.boundary = new Uint8Array(size + 1);
    let at = 0;
    let index = 0;
    let characters = 0;
    for (const character of text) {
      this.boundary[at] = 1;
      for (let n = width(character.codePointAt(0) ?? 0); n > 0; n--) this.utf16[at++] = index;
      index += character.length;
      characters++;
    }
    this.utf16[at] = index;
    this.boundary[at] = 1;
    this.length = size;
    this.characters = characters;
  }

  get words(): number {
    return (this.counted ??= this.text.match(WORD)?.length ?? 0);
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

  floor(byte: number): number {
    while (byte > 0 && !this.boundary[byte]) byte--;
    return byte;
  }

  ceiling(byte: number): number {
    while (byte < this.length && !this.boundary[byte]) byte++;
    return byte;
  }
}

function width(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/** Some lines' worth of groups of a block that are drawn together: `first` up to but without `last`. */
export type Chunk = { block: Block; first: number; last: number; ended: boolean };
export type TokenView = { id: number; piece: string; start: number; end: number; special: boolean; unknown: boolean; raw: Uint8Array };
export type Spelling = Map<number, string>;

const encoder = new TextEncoder();

export class Block {
  /** By group: its first token, and the bytes that it covers. `first` has one more entry, which ends the list. */
  readonly first: Uint32Array;
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  readonly groups: number;
  readonly unknown: number;
  readonly chunks: Chunk[];

  /** `starts`, `ends`: each token's bytes in the block. */
  constructor(readonly bytes: Bytes, readonly ids: Numbers, readonly starts: Numbers, readonly ends: Numbers, readonly flags: Numbers, readonly spelling: Spelling) {
    const n = ids.length;
    const firsts: number[] = [];
    let unknown = 0;
    for (let i = 0; i < n; i++) {
      const flag = flags[i] ?? 0;
      if (flag & UNKNOWN) unknown++;
      if (i === 0 || flag & FIRST) firsts.push(i);
    }
    this.unknown = unknown;
    this.groups = firsts.length;
    this.first = Uint32Array.from([...firsts, n]);
    this.from = new Uint32Array(firsts.length);
    this.to = new Uint32Array(firsts.length);
    for (let g = 0; g < firsts.length; g++) {
      let low = starts[firsts[g] ?? 0] ?? 0;
      let high = 0;
      for (let i = this.first[g] ?? 0; i < (this.first[g + 1] ?? 0); i++) {
        low = Math.min(low, starts[i] ?? 0);
        high = Math.max(high, ends[i] ?? 0);
      }
      this.from[g] = bytes.floor(low);
      this.to[g] = bytes.ceiling(high);
    }
    this.chunks = chunksOf(this);
  }

  text(group: number): string {
    return this.bytes.slice(this.from[group] ?? 0, this.to[group] ?? 0);
  }

  /** The text behind a group that no token covers; before the first group for -1. */
  gap(group: number): string {
    const end = group + 1 < this.groups ? (this.from[group + 1] ?? 0) : this.bytes.length;
    return this.bytes.slice(group < 0 ? 0 : (this.to[group] ?? 0), group < 0 && this.groups === 0 ? this.bytes.length : end);
  }

  flag(group: number): number {
    return this.flags[this.first[group] ?? 0] ?? 0;
  }

  /** The tokens of a group; `base` is where the block begins in the text. */
  tokens(group: number, base = 0): TokenView[] {
    const found: TokenView[] = [];
    const from = this.from[group] ?? 0;
    const raw = encoder.encode(this.text(group));
    for (let i = this.first[group] ?? 0; i < (this.first[group + 1] ?? 0); i++) {
      const flag = this.flags[i] ?? 0;
      const id = this.ids[i] ?? 0;
      const start = this.starts[i] ?? 0;
      const end = this.ends[i] ?? 0;
      found.push({
        id, piece: this.spelling.get(id) ?? "", start: base + start, end: base + end, special: (flag & SPECIAL) > 0, unknown: (flag & UNKNOWN) > 0, raw: raw.slice(start - from, end - from),
      });
    }
    return found;
  }

  /** Whether another block is the same in every respect that is drawn. */
  same(other: Block): boolean {
    if (this.bytes.text !== other.bytes.text || this.ids.length !== other.ids.length || this.spelling !== other.spelling) return false;
    return this.ids.every((id, i) => id === other.ids[i] && this.starts[i] === other.starts[i] && this.ends[i] === other.ends[i] && this.flags[i] === other.flags[i]);
  }
}

const LONGEST_CHUNK = 200;

/** Lines, or runs of groups where a line is long. */
function chunksOf(block: Block): Chunk[] {
  const found: Chunk[] = [];
  let first = 0;
  for (let g = 0; g < block.groups; g++) {
    const ended = (block.gap(g) || block.text(g)).endsWith("\n");
    if (ended || g + 1 === block.groups || g + 1 - first >= LONGEST_CHUNK) {
      found.push({ block, first, last: g + 1, ended });
      first = g + 1;
    }
  }
  if (block.groups === 0 && block.bytes.length > 0) found.push({ block, first: 0, last: 0, ended: block.bytes.text.endsWith("\n") });
  return found;
}

export class Cut {
  /** Where each block begins, in bytes and in groups; one more entry ends the list. */
  readonly at: Uint32Array;
  readonly before: Uint32Array;
  readonly groups: number;
  readonly size: number;
  readonly counts: Counts;

  constructor(readonly id: string, readonly blocks: Block[]) {
    this.at = new Uint32Array(blocks.length + 1);
    this.before = new Uint32Array(blocks.length + 1);
    let [tokens, special, unknown, characters, words] = [0, 0, 0, 0, 0];
    blocks.forEach((block, b) => {
      this.at[b + 1] = (this.at[b] ?? 0) + block.bytes.length;
      this.before[b + 1] = (this.before[b] ?? 0) + block.groups;
      tokens += block.ids.length;
      // Tokens without text are put around a text; they count as special and not in the ratios.
      if (block.bytes.length === 0) special += block.ids.length;
      unknown += block.unknown;
      characters += block.bytes.characters;
      words += block.bytes.words;
    });
    this.groups = this.before[blocks.length] ?? 0;
    const bytes = (this.size = this.at[blocks.length] ?? 0);
    const ordinary = tokens - special;
    this.counts = {
      tokens, special, groups: this.groups, unknown, characters, bytes, words,
      tokens_per_character: ratio(ordinary, characters), tokens_per_word: ratio(ordinary, words), bytes_per_token: ratio(bytes, ordinary),
    };
  }

  /** The block and its own number of the group with this number in the whole. */
  locate(group: number): [Block | undefined, number, number] {
    const b = under(this.before, group);
    return [this.blocks[b], group - (this.before[b] ?? 0), b];
  }

  /** The bytes that a group covers. */
  place(group: number): { start: number; end: number } {
    const [block, g, b] = this.locate(group);
    const base = this.at[b] ?? 0;
    return { start: base + (block?.from[g] ?? 0), end: base + (block?.to[g] ?? 0) };
  }

  tokens(group: number): TokenView[] {
    const [block, g, b] = this.locate(group);
    return block?.tokens(g, this.at[b]) ?? [];
  }

  /** The first group that ends behind a byte; the number of groups where there is none. */
  groupAt(byte: number): number {
    let b = under(this.at, byte);
    for (; b < this.blocks.length; b++) {
      const block = this.blocks[b];
      if (!block) continue;
      let low = 0;
      let high = block.groups;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((this.at[b] ?? 0) + (block.to[middle] ?? 0) > byte) high = middle;
        else low = middle + 1;
      }
      if (low < block.groups) return (this.before[b] ?? 0) + low;
    }
    return this.groups;
  }

  /** The groups that overlap the bytes from `start` to `end`, first and last + 1. */
  overlapping(start: number, end: number): [number, number] {
    const first = this.groupAt(start);
    let last = first;
    while (last < this.groups && this.place(last).start < end) last++;
    return [first, last];
  }
}

function ratio(above: number, below: number): number | null {
  return below > 0 ? above / below : null;
}

/** The last index in a rising list (of which the last entry only ends it) whose value is at most `value`. */
export function under(list: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = Math.max(0, list.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((list[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
