/**
 * The text of the bench in stretches. At a seam a text can be taken apart, as the server says: after an edit only the
 * stretches around it are asked for again, with the one before as context, and what was drawn of all others stays.
 */
import { Block, Bytes, Cut, FIRST, SPECIAL, under, type Spelling } from "./cut";
import { unpack, type Numbers, type Packed } from "./packed";

export type Columns = { ids: Packed; gaps: Packed; lengths: Packed; flags: Packed; vocabulary: Packed; pieces: string[] };
export type Answer = { tokenizers: { id: string; columns: Columns }[]; seams: Packed; unsure: number };

/** A part of the text and, for each tokenizer, its blocks. */
export type Stretch = { bytes: Bytes; blocks: Block[][] };
/** What a tokenizer puts around a text. */
export type Frame = { before: Block; after: Block };

const LONGEST_BLOCK = 400;
const EMPTY = new Bytes("");

export class Sheet {
  /** Where each stretch begins, in bytes and as index of the string; one more entry ends the list. */
  readonly at: Uint32Array;
  readonly index: Uint32Array;
  readonly characters: number;
  readonly cuts: Cut[];

  constructor(readonly stretches: Stretch[], readonly frames: Frame[], readonly ids: string[]) {
    this.at = new Uint32Array(stretches.length + 1);
    this.index = new Uint32Array(stretches.length + 1);
    let characters = 0;
    stretches.forEach(({ bytes }, s) => {
      this.at[s + 1] = (this.at[s] ?? 0) + bytes.length;
      this.index[s + 1] = (this.index[s] ?? 0) + bytes.text.length;
      characters += bytes.characters;
    });
    this.characters = characters;
    this.cuts = frames.map(({ before, after }, k) => new Cut(ids[k] ?? "", [before, ...stretches.flatMap(({ blocks }) => blocks[k] ?? []), after].filter(({ ids, bytes }) => ids.length + bytes.length > 0)));
  }

  get size(): number {
    return this.at.at(-1) ?? 0;
  }

  get length(): number {
    return this.index.at(-1) ?? 0;
  }

  /** The string index of a byte. */
  indexOf(byte: number): number {
    const s = under(this.at, byte);
    return (this.index[s] ?? 0) + (this.stretches[s]?.bytes.utf16[byte - (this.at[s] ?? 0)] ?? 0);
  }

  /** The byte where the character at a string index begins. */
  byteOf(index: number): number {
    const s = under(this.index, index);
    return (this.at[s] ?? 0) + (this.stretches[s]?.bytes.at(index - (this.index[s] ?? 0)) ?? 0);
  }

  /**
   * How many stretches at the beginning and at the end can stay for a new text. Beside the edit one more is given up at
   * either side: whether a place is a seam depends on the characters next to it.
   */
  kept(text: string): [head: number, tail: number] {
    const all = this.stretches;
    let head = 0;
    while (head < all.length && text.startsWith(all[head]?.bytes.text ?? "", this.index[head])) head++;
    if (head === all.length && text.length === this.length) return [head, 0];
    head = Math.max(0, head - 1);
    const shift = text.length - this.length;
    const least = this.index[head] ?? 0;
    let tail = 0;
    for (let s = all.length - 1; s >= head; s--) {
      const start = (this.index[s] ?? 0) + shift;
      if (start < least || !text.startsWith(all[s]?.bytes.text ?? "", start)) break;
      tail++;
    }
    return [head, Math.max(0, tail - 1)];
  }
}

/** Places are counted from the end of the context; `framed` is the first token that stands for text, `from` the first behind the context. */
type Tokens = { ids: Numbers; starts: Int32Array; ends: Int32Array; flags: Numbers; framed: number; from: number; to: number };

/** `open`: what follows the last seam is left out. `skip`: bytes of context before the window. `old`: what stood there. */
export type Window = { open: boolean; skip: number; old: Stretch[] };

/** Bytes from the beginning of a window to the first seam at least: shorter stretches would only be many. */
const SHORTEST = 100;

/** The answer for a window of the text, in stretches. Of a long window the page is let through between the parts of the work. */
export async function stretchesOf(text: string, answer: Answer, spellings: Map<string, Spelling>, { open, skip, old }: Window): Promise<{ stretches: Stretch[]; frames: Frame[] }> {
  const pause = pauses(text.length);
  const bytes = new Bytes(text);
  const seams = Array.from(unpack(answer.seams), (place) => place - skip).filter((place) => place >= Math.min(SHORTEST, bytes.length));
  const edges = [0, ...seams, ...(open ? [] : [bytes.length])];
  await pause();
  const all: Tokens[] = [];
  for (const { columns } of answer.tokenizers) {
    all.push(tokensOf(columns, skip));
    await pause();
  }
  const speak = answer.tokenizers.map(({ id, columns }) => learned(spellings, id, columns));
  const next = all.map(({ from }) => from);
  const stretches: Stretch[] = [];
  for (let e = 0; e + 1 < edges.length; e++) {
    const [start, end] = [edges[e] ?? 0, edges[e + 1] ?? 0];
    const part = start === 0 && end === bytes.length ? bytes : new Bytes(bytes.slice(start, end));
    const blocks: Block[][] = [];
    for (const [k, tokens] of all.entries()) {
      const first = next[k] ?? 0;
      let last = first;
      while (last < tokens.to && (e + 2 === edges.length && !open ? true : (tokens.starts[last] ?? 0) < end)) last++;
      next[k] = last;
      const run = { tokens, first, last, base: start, spelling: speak[k] ?? new Map<number, string>() };
      // Where there is no seam, the blocks that an edit left as they were are not even built anew.
      const was = edges.length === 2 && !open ? old.flatMap((stretch) => stretch.blocks[k] ?? []) : [];
      blocks.push(await blocksOf(part, run, was, pause));
    }
    if (part.length > 0) stretches.push({ bytes: part, blocks });
  }
  const frames = all.map((tokens, k) => ({
    before: frame(tokens, 0, tokens.framed, speak[k]), after: frame(tokens, tokens.to, tokens.ids.length, speak[k]),
  }));
  return { stretches, frames };
}

/** Puts the old blocks in the place of new ones that are alike, so that what is drawn of them stays. */
export function reuse(old: Stretch[], fresh: Stretch[]): void {
  for (const [k] of fresh[0]?.blocks.entries() ?? []) {
    const was = old.flatMap(({ blocks }) => blocks[k] ?? []);
    const now = fresh.flatMap(({ blocks }) => (blocks[k] ?? []).map((_, at, list) => ({ at, list })));
    const least = Math.min(was.length, now.length);
    const taken = (one: Block | undefined, place: { at: number; list: Block[] } | undefined): boolean => {
      if (!one || !place || place.list[place.at]?.same(one) !== true) return false;
      place.list[place.at] = one;
      return true;
    };
    let i = 0;
    while (i < least && taken(was[i], now[i])) i++;
    for (let j = 1; j <= least - i && taken(was[was.length - j], now[now.length - j]); ) j++;
  }
}

const SHORT = 50_000; // characters whose answer is worked through in one go

/** Lets the browser draw and answer keys, where the work is long. */
function pauses(characters: number): () => Promise<void> {
  if (characters < SHORT) return () => Promise.resolve();
  return () => new Promise((resume) => setTimeout(resume));
}

function tokensOf(columns: Columns, skip: number): Tokens {
  const [ids, gaps, lengths, flags] = [unpack(columns.ids), unpack(columns.gaps), unpack(columns.lengths), unpack(columns.flags)];
  const starts = new Int32Array(ids.length);
  const ends = new Int32Array(ids.length);
  let end = -skip;
  for (let i = 0; i < ids.length; i++) {
    const start = end + (gaps[i] ?? 0);
    end = start + (lengths[i] ?? 0);
    starts[i] = start;
    ends[i] = end;
  }
  const around = (i: number): boolean => ((flags[i] ?? 0) & SPECIAL) > 0 && lengths[i] === 0;
  let framed = 0;
  while (framed < ids.length && around(framed)) framed++;
  let from = framed;
  while (from < ids.length && (starts[from] ?? 0) < 0) from++;
  let to = ids.length;
  while (to > from && around(to - 1)) to--;
  return { ids, starts, ends, flags, framed, from, to };
}

function learned(spellings: Map<string, Spelling>, id: string, columns: Columns): Spelling {
  const spelling = spellings.get(id) ?? new Map<number, string>();
  spellings.set(id, spelling);
  unpack(columns.vocabulary).forEach((number, i) => spelling.set(number, columns.pieces[i] ?? ""));
  return spelling;
}

function frame({ ids, flags }: Tokens, first: number, last: number, spelling: Spelling = new Map<number, string>()): Block {
  const none = new Uint32Array(last - first);
  return new Block(EMPTY, ids.slice(first, last), none, none, flags.slice(first, last), spelling);
}

/** The tokens `first` up to but without `last` of a stretch that begins at byte `base` of the window. */
type Run = { tokens: Tokens; first: number; last: number; base: number; spelling: Spelling };

/** One block, or several of a bounded number of groups where no seam was near; `old` ones at both ends stay. */
async function blocksOf(bytes: Bytes, run: Run, old: Block[], pause: () => Promise<void>): Promise<Block[]> {
  const { tokens, base, spelling } = run;
  const found: Block[] = [];
  const make = (from: number, to: number, start: number, end: number): void => {
    const own = start === 0 && end === bytes.length ? bytes : new Bytes(bytes.slice(start, end));
    const moved = (list: Int32Array): Uint32Array => Uint32Array.from(list.subarray(from, to), (place) => place - base - start);
    void own.words; // counted now, in small portions
    found.push(new Block(own, tokens.ids.slice(from, to), moved(tokens.starts), moved(tokens.ends), tokens.flags.slice(from, to), spelling));
  };
  let [since, start] = [run.first, 0];
  for (const block of old) {
    if (!stands(block, bytes, run, since, start)) break;
    found.push(block);
    since += block.ids.length;
    start += block.bytes.length;
  }
  const tail: Block[] = [];
  let [last, end] = [run.last, bytes.length];
  for (let b = old.length - 1; b >= found.length; b--) {
    const block = old[b];
    if (!block || last - block.ids.length < since || end - block.bytes.length < start || !stands(block, bytes, run, last - block.ids.length, end - block.bytes.length)) break;
    tail.unshift(block);
    last -= block.ids.length;
    end -= block.bytes.length;
  }
  for (let i = since + 1, groups = 1; i < last; i++) {
    if (!((tokens.flags[i] ?? 0) & FIRST)) continue;
    const place = (tokens.starts[i] ?? 0) - base;
    const line = groups >= LONGEST_BLOCK / 4 && bytes.slice(Math.max(0, place - 1), place) === "\n";
    if (++groups > LONGEST_BLOCK || line) {
      make(since, i, start, place);
      [since, start, groups] = [i, place, 1];
      if (found.length % 100 === 0) await pause();
    }
  }
  if (since < last || start < end || found.length + tail.length === 0) make(since, last, start, end);
  return [...found, ...tail];
}

/** Whether a block is what stands at a token and at a byte of the stretch, and ends there between two groups. */
function stands(block: Block, bytes: Bytes, { tokens, last, base, spelling }: Run, first: number, start: number): boolean {
  const next = first + block.ids.length;
  if (next > last || block.spelling !== spelling || !bytes.boundary[start]) return false;
  if (next < last && (!((tokens.flags[next] ?? 0) & FIRST) || (tokens.starts[next] ?? 0) - base < start + block.bytes.length)) return false;
  if (!bytes.text.startsWith(block.bytes.text, bytes.utf16[start])) return false;
  for (let i = 0; i < block.ids.length; i++) {
    const at = first + i;
    if (block.ids[i] !== tokens.ids[at] || block.flags[i] !== tokens.flags[at]) return false;
    if ((block.starts[i] ?? 0) + base + start !== tokens.starts[at] || (block.ends[i] ?? 0) + base + start !== tokens.ends[at]) return false;
  }
  return true;
}

/** For each cut, which of its groups another tokenizer cuts otherwise. */
export function differences(cuts: Cut[]): Uint8Array[] {
  const [one] = cuts;
  if (!one || cuts.length < 2) return cuts.map((cut) => new Uint8Array(cut.groups));
  const starting = new Uint8Array(one.size + 1);
  const ending = new Uint8Array(one.size + 1);
  const inside = new Uint32Array(one.size + 2);
  for (const cut of cuts) {
    each(cut, (from, to) => {
      starting[from] = (starting[from] ?? 0) + 1;
      ending[to] = (ending[to] ?? 0) + 1;
    });
  }
  for (let b = 0; b <= one.size; b++) inside[b + 1] = (inside[b] ?? 0) + (starting[b] ? 1 : 0);
  return cuts.map((cut) => {
    const marks = new Uint8Array(cut.groups);
    each(cut, (from, to, group) => {
      const alike = starting[from] === cuts.length && ending[to] === cuts.length && (inside[to] ?? 0) - (inside[from + 1] ?? 0) === 0;
      marks[group] = alike ? 0 : 1;
    });
    return marks;
  });
}

/** Every group that covers bytes. */
function each(cut: Cut, take: (from: number, to: number, group: number) => void): void {
  cut.blocks.forEach((block, b) => {
    const base = cut.at[b] ?? 0;
    for (let g = 0; g < block.groups; g++) {
      const [from, to] = [base + (block.from[g] ?? 0), base + (block.to[g] ?? 0)];
      if (from < to) take(from, to, (cut.before[b] ?? 0) + g);
    }
  });
}
