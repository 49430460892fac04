/** The marks of a batch as paths, one for each role, so that a thousand tokens are six elements. */
import type { Role, Sheet } from "./preview";

export type Layer = { role: Role; path: string };
export type Shapes = { layers: Layer[]; frames: string; second: string; numbers: { x: number; y: number; number: number }[] };

/** Between neighbours there is air as long as a mark is wide enough to spare it. */
const AIR = 4;
/** An example narrower than this has no number in the picture. */
const ROOM = 22;

/** `cell` wide and `tall` high marks, rows `step` apart. Examples stand apart; the second text of a pair is underlined. */
export function shapes(sheet: Sheet, cell: number, tall: number, step: number): Shapes {
  const paths = new Map<Role, string>();
  const gap = cell >= AIR ? Math.min(1.5, cell * 0.2) : 0;
  const draw = (role: Role, path: string): void => void paths.set(role, (paths.get(role) ?? "") + path);
  const numbers: Shapes["numbers"] = [];
  let [frames, second] = ["", ""];
  for (let row = 0; row < sheet.shown; row += 1) {
    const top = row * step + (step - tall) / 2;
    const spans = sheet.spans(row);
    for (const [index, { number, first, last }] of spans.entries()) {
      const inset = sheet.packed ? Math.min(2, (last - first) * cell * 0.2) : 0;
      const [from, to] = [first * cell + inset, last * cell - inset];
      frames += box(from, top - 2, to - from, tall + 4);
      if (number < 0) draw("padding", box(from, top, to - from, tall));
      else if (sheet.packed && to - from > ROOM) numbers.push({ x: fixed(from + 4), y: top + tall / 2 + 3.5, number: index + 1 });
    }
    for (const [role, first, last] of runs(sheet, row, gap > 0)) {
      if (role === "padding") continue;
      draw(role, mark(role, first * cell + gap / 2, top, (last - first) * cell - gap, tall));
    }
    second += underlines(sheet, row, cell, top + tall + 3.5);
  }
  return { layers: [...paths].map(([role, path]) => ({ role, path })), frames, second, numbers };
}

/** Neighbours of one role as one mark, unless each is to stand `alone`. */
function* runs(sheet: Sheet, row: number, alone: boolean): Generator<[Role, number, number]> {
  let first = 0;
  for (let at = 1; at <= sheet.block; at += 1) {
    const role = sheet.role(row, first);
    if (at < sheet.block && !alone && role === sheet.role(row, at)) continue;
    yield [role, first, at];
    first = at;
  }
}

/** What is masked is full, what is replaced is half, what is kept is hollow. */
function mark(role: Role, x: number, y: number, width: number, height: number): string {
  const w = Math.max(width, 0.75);
  if (role === "replaced") return `M${fixed(x)} ${y}V${y + height}H${fixed(x + w)}Z`;
  if (role === "kept") return box(x + 0.75, y + 0.75, Math.max(w - 1.5, 0.25), height - 1.5);
  if (role === "plain") return box(x, y + height / 3, w, height / 3);
  return box(x, y, w, height);
}

function underlines(sheet: Sheet, row: number, cell: number, y: number): string {
  let path = "";
  for (let at = 0; at < sheet.block; at += 1) {
    if (sheet.segment(row, at) !== 1 || sheet.document(row, at) < 0) continue;
    path += `M${fixed(at * cell)} ${y}h${fixed(cell)}`;
  }
  return path;
}

function box(x: number, y: number, width: number, height: number): string {
  return `M${fixed(x)} ${fixed(y)}h${fixed(width)}v${fixed(height)}h${fixed(-width)}Z`;
}

function fixed(value: number): number {
  return Math.round(value * 100) / 100;
}
