/**
 * What the network sees, as it is drawn: the packed arrays of a batch as rows of cells, each with its part in the game
 * (read, predicted, hidden, padding), and what must be predicted where.
 */
import type { components } from "./api.generated";
import { hex } from "./glyphs";
import { unpack, type Numbers } from "./packed";

type Shapes = components["schemas"];
export type RunPreview = Shapes["RunPreview"];
export type Picture = Shapes["PreviewBatch"];
export type Counts = Shapes["PreviewCounts"];
export type Head = Omit<RunPreview, "batches">;

const IGNORED = -100;
/** A narrow space within a name, which is none of the spaces of the text. */
const THIN = "\u202f";

/** What happens to a token: read only, predicted, or chosen and then masked, replaced or kept. */
export type Role = "plain" | "learned" | "masked" | "replaced" | "kept" | "padding";
const CHANGES: Role[] = ["plain", "masked", "replaced", "kept"];
export const CHOSEN = ["masked", "replaced", "kept"] as const;
export type Chosen = (typeof CHOSEN)[number];

/** Tokens that are drawn as one, because only together they are whole characters; one as a rule. */
export type Cell = { first: number; size: number; text: string; role: Role; special: boolean; unknown: boolean; joins: boolean; segment: number | null };

/** Cells of one example within a row, in their order; padding has the number -1. */
export type Stretch = { number: number; first: number; last: number; cells: Cell[] };

type Groups = { texts: string[]; starts: number[]; of: Int32Array };

/** A batch, unpacked. Rows and positions count from 0. */
export class Sheet {
  readonly shown: number;
  readonly block: number;
  private readonly inputs: Numbers;
  private readonly labels: Numbers;
  private readonly changes: Numbers | null;
  private readonly segments: Numbers | null;
  private readonly documents: Numbers | null;
  private readonly positions: Numbers | null;
  private readonly right: Numbers | null;
  private readonly groups: Groups[];
  private readonly before: Groups[] | null;
  private readonly pieces: Map<number, Shapes["PreviewPiece"]>;

  /** `unk` is the token that stands for what the vocabulary does not have. */
  constructor(readonly picture: Picture, private readonly joint: string | null = null, private readonly unk: number | null = null) {
    this.shown = picture.lines.length;
    this.block = picture.block;
    const opened = (part: Record<string, string> | null): Numbers | null => (part === null ? null : unpack(part));
    this.inputs = unpack(picture.inputs);
    this.labels = unpack(picture.labels);
    this.changes = opened(picture.changes);
    this.segments = opened(picture.segments);
    this.documents = opened(picture.documents);
    this.positions = opened(picture.positions);
    this.right = opened(picture.answers);
    this.groups = picture.lines.map((line) => grouped(line, this.block));
    this.before = picture.original?.map((line) => grouped(line, this.block)) ?? null;
    this.pieces = new Map(picture.pieces.map((piece) => [piece.id, piece]));
  }

  id(row: number, at: number): number {
    return this.inputs[row * this.block + at] as number;
  }

  label(row: number, at: number): number | null {
    const found = this.labels[row * this.block + at] as number;
    return found === IGNORED ? null : found;
  }

  role(row: number, at: number): Role {
    const place = row * this.block + at;
    if (this.documents !== null && (this.documents[place] as number) < 0) return "padding";
    const changed = CHANGES[this.changes?.[place] ?? 0] ?? "plain";
    if (changed !== "plain") return changed;
    return this.labels[place] === IGNORED ? "plain" : "learned";
  }

  /** Which example of its row a token belongs to; -1 for padding, 0 where a row is one text. */
  document(row: number, at: number): number {
    return this.documents?.[row * this.block + at] ?? 0;
  }

  segment(row: number, at: number): number | null {
    return this.segments?.[row * this.block + at] ?? null;
  }

  /** The place within its own example. */
  position(row: number, at: number): number {
    return this.positions?.[row * this.block + at] ?? at;
  }

  answer(row: number): number | null {
    return this.right?.[row] ?? null;
  }

  special(row: number, at: number): boolean {
    return this.pieces.get(this.id(row, at))?.special ?? false;
  }

  /** Whether a token stands for what the vocabulary does not have. */
  unknown(row: number, at: number): boolean {
    return this.unk !== null && this.id(row, at) === this.unk;
  }

  /** Whether a row holds several examples, or is filled up. */
  get packed(): boolean {
    return this.documents !== null;
  }

  get paired(): boolean {
    return this.segments !== null && this.segments.some((segment) => segment > 0);
  }

  /** What a token is called: its text, the part it is of a character, or its bytes. */
  name(row: number, at: number): string {
    return this.called(this.groups[row] as Groups, at, this.id(row, at));
  }

  /** What the network has to say at a place; null where nothing is asked of it. */
  wanted(row: number, at: number): string | null {
    const label = this.label(row, at);
    if (label === null) return null;
    if (at + 1 < this.block && this.id(row, at + 1) === label && this.changes === null) return this.name(row, at + 1);
    const before = this.before?.[row];
    return before !== undefined && this.changes?.[row * this.block + at] ? this.called(before, at, label) : this.pieceName(label);
  }

  pieceName(id: number): string {
    const piece = this.pieces.get(id);
    return piece === undefined ? `#${id}` : piece.text || bytesOf(piece.hex);
  }

  private called(groups: Groups, at: number, id: number): string {
    const group = groups.of[at] ?? 0;
    const [from, to] = [groups.starts[group] ?? 0, groups.starts[group + 1] ?? this.block];
    const text = groups.texts[group] ?? "";
    if (to - from === 1) return text === "" ? this.pieceName(id) : text;
    return `${text}${THIN}${at - from + 1}/${to - from}`;
  }

  /** A row in its examples, and these in their cells. */
  stretches(row: number): Stretch[] {
    const found: Stretch[] = [];
    const { texts, starts } = this.groups[row] as Groups;
    texts.forEach((text, group) => {
      const first = starts[group] as number;
      const size = (starts[group + 1] ?? this.block) - first;
      const number = this.document(row, first);
      let open = found.at(-1);
      if (open === undefined || open.number !== number) found.push((open = { number, first, last: first, cells: [] }));
      const roles = Array.from({ length: size }, (_, i) => this.role(row, first + i));
      const role = roles.find((one) => one !== "plain") ?? "plain";
      const joins = this.joint === null || text.startsWith(this.joint);
      open.cells.push({ first, size, text: text || this.name(row, first), role, special: this.special(row, first), unknown: this.unknown(row, first), joins, segment: this.segment(row, first) });
      open.last = first + size;
    });
    return found;
  }

  /** Whether a token had to be said by the one before it: what is learned, as text, begins one place later than the loss. */
  said(row: number, at: number): boolean {
    return at > 0 && this.document(row, at - 1) === this.document(row, at) && this.label(row, at - 1) !== null;
  }

  /** What is last to be said of an example that ends at `last`, which is no input any more; null where nothing is. */
  ending(row: number, last: number): { text: string; special: boolean } | null {
    const label = this.label(row, last - 1);
    return label === null ? null : { text: this.pieceName(label), special: this.pieces.get(label)?.special ?? false };
  }

  /** How many tokens a token may look at, itself included. */
  sees(row: number, at: number, causal: boolean): number {
    const own = this.document(row, at);
    const end = causal ? at + 1 : this.block;
    let count = 0;
    for (let place = 0; place < end; place += 1) if (this.document(row, place) === own) count += 1;
    return count;
  }

  /** Where the examples of a row begin and end; padding has the number -1. */
  spans(row: number): { number: number; first: number; last: number }[] {
    const found: { number: number; first: number; last: number }[] = [];
    for (let at = 0; at < this.block; at += 1) {
      const number = this.document(row, at);
      const open = found.at(-1);
      if (open === undefined || open.number !== number) found.push({ number, first: at, last: at + 1 });
      else open.last = at + 1;
    }
    return found;
  }
}

function grouped(line: Shapes["PreviewLine"], block: number): Groups {
  const of = new Int32Array(block);
  const starts: number[] = [];
  let at = 0;
  unpack(line.sizes).forEach((size, group) => {
    starts.push(at);
    of.fill(group, at, at + size);
    at += size;
  });
  return { texts: line.texts, starts, of };
}

function bytesOf(text: string): string {
  const bytes = Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return `‹${hex(bytes).replaceAll(" ", THIN)}›`;
}

/** A path that fills a place in a square picture of who may look at whom, `size` wide for `block` tokens. */
export function visiblePath(first: number, last: number, causal: boolean, scale: number): string {
  const [from, to] = [first * scale, last * scale];
  if (!causal) return `M${from} ${from}H${to}V${to}H${from}Z`;
  // With many tokens the stair is finer than the screen: a triangle is then the same picture.
  if (scale < 1.5) return `M${from} ${from}L${to} ${to}H${from}Z`;
  let path = `M${from} ${from}`;
  for (let at = first; at < last; at += 1) path += `H${round((at + 1) * scale)}V${round((at + 1) * scale)}`;
  return `${path}H${from}Z`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
