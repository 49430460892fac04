import { fireEvent, render, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import Legend from "../components/train/preview/Legend.svelte";
import RowText from "../components/train/preview/RowText.svelte";
import Tallies from "../components/train/preview/Tallies.svelte";
import { shapes } from "../lib/batchShapes";
import { Feed } from "../lib/feed.svelte";
import { Sheet, visiblePath, type Counts, type Picture } from "../lib/preview";
import { task } from "../lib/previewWords";
import { deviation, funnel, standardError, Tally } from "../lib/tally";

function pack(values: number[], rows = 1, dtype = "i4"): Record<string, string> {
  const types = { i4: Int32Array, u1: Uint8Array, u2: Uint16Array };
  const raw = new Uint8Array(types[dtype as keyof typeof types].from(values).buffer);
  return { dtype, bdata: btoa(String.fromCharCode(...raw)), shape: `${rows}, ${values.length / rows}` };
}

const line = (texts: string[], sizes: number[]): { texts: string[]; sizes: Record<string, string> } => ({ texts, sizes: pack(sizes, 1, "u2") });
const piece = (id: number, text: string, special = false, hex = ""): Picture["pieces"][number] => ({ id, text, hex, special });
const COUNTS: Counts = { tokens: 6, padding: 0, unknown: 0, words: 6, labelled: 6, masked: 0, replaced: 0, kept: 0, examples: 1 };
const NOTHING = { changes: null, segments: null, documents: null, positions: null, answers: null, original: null, examples: null };

/** 我 in two tokens, then two words; the label of each is the one after it. */
const causal: Picture = {
  ...NOTHING, step: 1, micro: 0, rows: 1, block: 4, counts: COUNTS,
  inputs: pack([5, 6, 7, 8]), labels: pack([6, 7, 8, 5]), lines: [line(["我", " be", "\n"], [2, 1, 1])],
  pieces: [piece(5, "", false, "e688"), piece(6, "", false, "91"), piece(7, " be"), piece(8, "\n")],
};

/** [CLS] cat, two examples and padding; one token of each fate. */
const hidden: Picture = {
  ...NOTHING, step: 2, micro: 0, rows: 9, block: 8, counts: { ...COUNTS, padding: 2, labelled: 3, masked: 1, replaced: 1, kept: 1 },
  inputs: pack([1, 2, 3, 4, 5, 6, 0, 0]), labels: pack([-100, 7, -100, 8, -100, 6, -100, -100]), changes: pack([0, 1, 0, 2, 0, 3, 0, 0], 1, "u1"),
  documents: pack([0, 0, 0, 0, 1, 1, -1, -1]), positions: pack([0, 1, 2, 3, 0, 1, 0, 0]), segments: pack([0, 0, 0, 0, 0, 1, 0, 0]),
  lines: [line(["[CLS]", "[MASK]", "##s", "dog", "a", "sat", "[PAD]", "[PAD]"], [1, 1, 1, 1, 1, 1, 1, 1])],
  original: [line(["[CLS]", "cat", "##s", "owl", "a", "sat", "[PAD]", "[PAD]"], [1, 1, 1, 1, 1, 1, 1, 1])],
  pieces: [piece(1, "[CLS]", true), piece(2, "[MASK]", true), piece(3, "##s"), piece(4, "dog"), piece(5, "a"), piece(6, "sat"), piece(7, "cat"), piece(8, "owl"), piece(0, "[PAD]", true)],
};

test("each token has its part: read, predicted, masked, replaced, kept, padding", () => {
  const sheet = new Sheet(hidden, "##");
  expect(Array.from({ length: 8 }, (_, at) => sheet.role(0, at))).toEqual(["plain", "masked", "plain", "replaced", "plain", "kept", "padding", "padding"]);
  expect([1, 3, 5, 0].map((at) => sheet.wanted(0, at))).toEqual(["cat", "owl", "sat", null]);
  expect(sheet.spans(0)).toEqual([{ number: 0, first: 0, last: 4 }, { number: 1, first: 4, last: 6 }, { number: -1, first: 6, last: 8 }]);
  expect([sheet.sees(0, 5, false), sheet.sees(0, 4, true), sheet.packed, sheet.paired]).toEqual([2, 1, true, true]);
  expect(new Sheet(causal).role(0, 3)).toBe("learned");
});

test("the tokens of one character are one cell, and each of them has a name", () => {
  const sheet = new Sheet(causal);
  const [stretch] = sheet.stretches(0);
  expect(stretch?.cells.map(({ text, first, size, role }) => [text, first, size, role])).toEqual([["我", 0, 2, "learned"], [" be", 2, 1, "learned"], ["\n", 3, 1, "learned"]]);
  expect([0, 1, 2].map((at) => sheet.name(0, at).replaceAll("\u202f", " "))).toEqual(["我 1/2", "我 2/2", " be"]);
  expect([sheet.wanted(0, 0), sheet.wanted(0, 3)].map((name) => name?.replaceAll("\u202f", " "))).toEqual(["我 2/2", "‹E6 88›"]);
});

test("a token that goes on with a word joins it; others stand apart only where spaces are no part of tokens", () => {
  const [first] = new Sheet(hidden, "##").stretches(0);
  expect(first?.cells.map(({ joins }) => joins)).toEqual([false, false, true, false]);
  expect(new Sheet(causal).stretches(0)[0]?.cells.every(({ joins }) => joins)).toBe(true);
});

test("what is learned as text begins one token after the loss, and ends with what nobody reads", () => {
  const labels = pack([-100, 7, 8, 0, -100, -100, -100, -100]);
  const sheet = new Sheet({ ...hidden, changes: null, original: null, labels });
  expect(Array.from({ length: 5 }, (_, at) => sheet.said(0, at))).toEqual([false, false, true, true, false]);
  expect(sheet.ending(0, 4)).toEqual({ text: "[PAD]", special: true });
  expect(sheet.ending(0, 6)).toBeNull();
});

test("the picture has a path for each part, and says the fates by their shapes", () => {
  const { layers, numbers, second } = shapes(new Sheet(hidden), 30, 15, 24);
  const path = new Map(layers.map(({ role, path }) => [role, path]));
  expect([...path.keys()].sort()).toEqual(["kept", "masked", "padding", "plain", "replaced"]);
  expect(path.get("masked")).toMatch(/^M30\.75 4\.5h28\.5v15/);
  expect(path.get("replaced")).toMatch(/^M90\.75 4\.5V19\.5H119\.25Z$/);
  expect(numbers.map(({ number }) => number)).toEqual([1, 2]);
  expect(second).toBe("M150 23h30");
});

test("who may look at whom: a stair for what is causal, a square for what is not", () => {
  expect(visiblePath(1, 3, true, 10)).toBe("M10 10H20V20H30V30H10Z");
  expect(visiblePath(1, 3, false, 10)).toBe("M10 10H30V30H10Z");
  expect(visiblePath(0, 200, true, 0.5)).toBe("M0 0L100 100H0Z");
});

test("counts add up over the batches, and chance narrows with the root of the words", () => {
  const counts = (masked: number): Counts => ({ ...COUNTS, words: 1000, masked, replaced: 15, kept: 0 });
  const tally = new Tally([counts(140), counts(110)]);
  expect([tally.words, tally.batches, tally.share("masked"), tally.share("replaced")]).toEqual([2000, 2, 0.125, 0.015]);
  expect(tally.way("masked")).toEqual([{ words: 1000, share: 0.14 }, { words: 2000, share: 0.125 }]);
  expect(standardError(0.12, 1000)).toBeCloseTo(0.010276, 6);
  expect(standardError(0.12, 4000)).toBeCloseTo(standardError(0.12, 1000) / 2, 10);
  expect(deviation(tally, "masked", 0.12)).toBeCloseTo(0.005 / Math.sqrt((0.12 * 0.88) / 2000), 6);
  expect([deviation(new Tally(), "masked", 0.12), deviation(tally, "kept", 0)]).toEqual([null, null]);
});

test("the funnel keeps its aim in the middle and the first batch within it", () => {
  const drawn = funnel([{ words: 1000, share: 0.12 }], 0.12, 200, 72);
  expect([drawn.aim, drawn.end?.y, drawn.way]).toEqual([36, 36, ""]);
  expect(drawn.end?.x).toBeGreaterThan(0);
  const far = funnel([{ words: 1000, share: 0.9 }, { words: 9000, share: 0.9 }], 0.12, 200, 72);
  expect([far.end?.x, far.end?.y]).toEqual([200, 0]);
  expect(funnel([], 0.12, 200, 72).end).toBeNull();
});

test("what is asked at a token is said in a sentence", () => {
  const sheet = new Sheet(hidden, "##");
  expect(task(sheet, 0, 1, false)).toBe("Hidden behind “[MASK]”; the network has to say “cat”.");
  expect(task(sheet, 0, 3, false)).toContain("“dog” stands here by chance");
  expect(task(sheet, 0, 5, false)).toContain("“sat” is in sight");
  expect(task(sheet, 0, 6, false)).toContain("Padding");
  expect(task(new Sheet(causal), 0, 2, false)).toBe("After “·be” the network has to say “↵”.");
});

test("the row is one stop of the tab key; arrows move through it, Enter holds, Escape lets go", async () => {
  const [onlook, onlet, onrow] = [vi.fn(), vi.fn(), vi.fn()];
  render(RowText, { sheet: new Sheet(hidden, "##"), row: 0, at: 1, nexts: false, onlook, onlet, onrow });
  const cells = screen.getAllByRole("option");
  expect(cells.map(({ tabIndex }) => tabIndex)).toEqual([-1, 0, -1, -1, -1, -1]);
  const [, masked] = cells as [HTMLElement, HTMLElement];
  expect(masked.textContent).toBe("[MASK]Mcat");
  await fireEvent.keyDown(masked, { key: "ArrowRight" });
  expect(onlook).toHaveBeenCalledWith({ row: 0, at: 2 }, true);
  await fireEvent.keyDown(masked, { key: "ArrowDown" });
  expect(onrow).toHaveBeenCalledWith(1);
  await fireEvent.keyDown(masked, { key: "Escape" });
  expect(onlet).toHaveBeenCalledOnce();
  expect(screen.getByText("2 × padding")).toBeTruthy();
});

test("the legend names only what is there, each with a letter or a shape", () => {
  render(Legend, { sheet: new Sheet(hidden), picture: hidden, instructions: false });
  const said = screen.getAllByRole("listitem").map(({ textContent }) => textContent?.trim());
  expect(said).toHaveLength(7);
  expect(said[0]).toBe("Mmasked: hidden, to be filled in");
});

test("a token that stands for what the vocabulary does not have is marked, and said to be that", () => {
  const sheet = new Sheet({ ...hidden, counts: { ...hidden.counts, unknown: 1 } }, "##", 5);
  expect(sheet.stretches(0).flatMap(({ cells }) => cells).map(({ unknown }) => unknown).indexOf(true)).toBe(4);
  expect(task(sheet, 0, 4, false)).toContain("the vocabulary does not have");
  render(Legend, { sheet, picture: sheet.picture, instructions: false });
  expect(screen.getByText("unknown: not in the vocabulary")).toBeTruthy();
  expect(new Sheet(hidden, "##").unknown(0, 4)).toBe(false);
});

test("each fate has its count, its aim, and how far chance has carried it", () => {
  const tally = new Tally([{ ...COUNTS, words: 2000, masked: 240, replaced: 30, kept: 30 }]);
  render(Tallies, { tally, aims: { masked: 0.12, replaced: 0.015, kept: 0.015 }, recount: () => undefined });
  expect(screen.getByRole("img", { name: "12.0 % after 2,000 words; aimed at 12.0 %" })).toBeTruthy();
  expect(screen.getAllByText("aim 1.5 % · 0.0 standard errors off")).toHaveLength(2);
});

type Sent = { step: number; micro: number; batches: number; params: { seed: number } };
let sent: Sent[];
let micros = 1;
let salt = 0;

beforeEach(() => {
  [sent, micros, salt] = [[], 1, 0];
  vi.stubGlobal("fetch", async (_path: string, init: RequestInit) => {
    const body = JSON.parse(String(init.body)) as Sent;
    sent.push(body);
    const first = (body.step - 1) * micros + body.micro;
    const batches = Array.from({ length: body.batches }, (_, i) => ({ ...hidden, step: Math.floor((first + i) / micros) + 1, micro: (first + i) % micros, rows: 9 + salt }));
    return new Response(JSON.stringify({ kind: "mlm", attention: "full", objective: "masked", micros, tokens: 9, unknown: 0, vocab_size: 9, special: {}, joint: null, aims: {}, notes: [], batches }));
  });
});
afterEach(() => vi.unstubAllGlobals());

const asked = (seed: number): { kind: string; params: { seed: number } } => ({ kind: "mlm", params: { seed } });

test("batches are asked for four at a time, ahead of the one that is looked at", async () => {
  const feed = new Feed();
  feed.describe(asked(1), 0);
  await vi.waitFor(() => expect(feed.picture?.step).toBe(1));
  for (let roll = 0; roll < 3; roll += 1) await feed.go(feed.at + 1);
  expect([feed.step, feed.picture?.step, feed.tally.batches]).toEqual([4, 4, 4]);
  expect(sent.map(({ step, batches }) => [step, batches])).toEqual([[1, 4], [5, 4]]);
  await feed.go(feed.at - 1);
  expect(feed.tally.batches).toBe(4); // each batch counts once
  feed.recount();
  expect(feed.tally.batches).toBe(1);
});

test("the parts of a step follow one another", async () => {
  micros = 3;
  const feed = new Feed();
  feed.describe(asked(1), 0);
  await vi.waitFor(() => expect(feed.picture).not.toBeNull());
  await feed.go(4);
  expect([feed.step, feed.micro, feed.picture?.step, feed.picture?.micro]).toEqual([2, 1, 2, 1]);
});

test("another description begins anew, unless its batches are the same", async () => {
  const feed = new Feed();
  feed.describe(asked(1), 0);
  await vi.waitFor(() => expect(feed.picture).not.toBeNull());
  await feed.go(1);
  expect(feed.tally.batches).toBe(2);
  feed.describe(asked(2), 0);
  expect(feed.stale).toBe(true);
  await vi.waitFor(() => expect(feed.stale).toBe(false));
  expect([feed.at, feed.tally.batches]).toEqual([1, 2]);
  salt = 1;
  feed.describe(asked(3), 0);
  await vi.waitFor(() => expect(feed.stale).toBe(false));
  expect([feed.at, feed.tally.batches, feed.picture?.rows]).toEqual([1, 1, 10]);
});

test("a refusal is kept to be said, and what was there stays in sight", async () => {
  const feed = new Feed();
  feed.describe(asked(1), 0);
  await vi.waitFor(() => expect(feed.picture).not.toBeNull());
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ title: "No", detail: "Too short.", code: "bad_input", errors: [] }), { status: 422 }));
  feed.describe(asked(2), 0);
  await vi.waitFor(() => expect(feed.problem?.detail).toBe("Too short."));
  expect([feed.busy, feed.picture?.step]).toEqual([false, 1]);
});
