/** The rows in which a column of tokens is drawn, and where each lies: only those in sight are in the document. */
import { under, type Chunk, type Cut } from "./cut";

/** `base`: the number of each chunk's block's first group. The row is known by its first chunk. */
export type Row = { key: Chunk; chunks: { chunk: Chunk; base: number }[]; characters: number; group: number };

// A line without end is broken here, and before that behind every few blocks. Which, their content says: so an edit moves
// no break but the nearest, and the rows behind it stay.
const MOST_GROUPS = 800;
const LEAST_GROUPS = 160;

/** Lines of the text; a chunk that does not end its line goes on in the next one. */
export function rowsOf(cut: Cut): Row[] {
  const rows: Row[] = [];
  let open: Row | null = null;
  let groups = 0;
  cut.blocks.forEach((block, b) => {
    const base = cut.before[b] ?? 0;
    for (const chunk of block.chunks) {
      if (open === null) {
        open = { key: chunk, chunks: [], characters: 0, group: base + chunk.first };
        rows.push(open);
        groups = 0;
      }
      open.chunks.push({ chunk, base });
      open.characters += lengthOf(chunk);
      groups += chunk.last - chunk.first;
      const breaks = groups >= LEAST_GROUPS && chunk.last === block.groups && (block.ids[0] ?? 0) % 3 === 0;
      if (chunk.ended || groups >= MOST_GROUPS || breaks) open = null;
    }
  });
  return rows;
}

function lengthOf({ block, first, last }: Chunk): number {
  const from = first === 0 ? 0 : (block.from[first] ?? 0);
  const to = last >= block.groups ? block.bytes.length : (block.from[last] ?? 0);
  return (block.bytes.utf16[to] ?? 0) - (block.bytes.utf16[from] ?? 0);
}

/** Where each row begins, in pixels: as measured where it has been drawn, else guessed from its length. */
export function lay(rows: { key: object; characters: number }[], perLine: number, line: number, measured: WeakMap<object, number>): Float64Array {
  const tops = new Float64Array(rows.length + 1);
  rows.forEach(({ key, characters }, r) => {
    tops[r + 1] = (tops[r] ?? 0) + (measured.get(key) ?? Math.max(1, Math.ceil(characters / perLine)) * line);
  });
  return tops;
}

/** The rows between two heights, first and last + 1. */
export function between(tops: Float64Array, from: number, to: number): [number, number] {
  return tops.length < 2 ? [0, 0] : [under(tops, from), under(tops, to) + 1];
}

/** The row that a group stands in. */
export function rowOf(rows: Row[], group: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((rows[middle]?.group ?? 0) <= group) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}
