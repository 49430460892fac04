import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Bench } from "../lib/bench.svelte";
import { Bytes, type Cut } from "../lib/cut";
import { between, lay, rowsOf } from "../lib/rows";
import { differences } from "../lib/sheet";

/** A server with toy tokenizers: "threes" cuts words (with their space) into threes, "blind" has no seams at all. */
const asked: string[] = [];
const encoder = new TextEncoder();

function base64(values: number[]): { dtype: string; bdata: string } {
  return { dtype: "i4", bdata: Buffer.from(Int32Array.from(values).buffer).toString("base64") };
}

function answer(body: { text: string; tokenizers: string[]; special: boolean }): unknown {
  asked.push(body.text);
  const { text } = body;
  const tokenizers = body.tokenizers.map((id) => {
    const pieces = (text.match(/ ?[^ ]+| /gu) ?? []).flatMap((word) => [...(word.match(/[^]{1,3}/gu) ?? [])]);
    const lengths = pieces.map((piece) => encoder.encode(piece).length);
    const around = body.special ? 1 : 0;
    const spelled = [...new Set(pieces)];
    const ids = [...Array<number>(around).fill(0), ...pieces.map((piece) => 1000 + hash(piece)), ...Array<number>(around).fill(1)];
    return {
      id,
      columns: {
        ids: base64(ids), gaps: base64(ids.map(() => 0)), lengths: base64([...Array<number>(around).fill(0), ...lengths, ...Array<number>(around).fill(0)]),
        flags: base64([...Array<number>(around).fill(5), ...pieces.map(() => 4), ...Array<number>(around).fill(5)]),
        vocabulary: base64([0, 1, ...spelled.map((piece) => 1000 + hash(piece))]), pieces: ["[CLS]", "[SEP]", ...spelled],
      },
    };
  });
  const seams: number[] = [];
  if (!body.tokenizers.includes("blind")) {
    for (const { index } of text.matchAll(/(?<=\w) (?=\w)/g)) {
      const byte = encoder.encode(text.slice(0, index)).length;
      if (byte - (seams.at(-1) ?? 0) >= 20) seams.push(byte);
    }
  }
  // Of a text with a question mark in its first word nothing is sure without what stands before.
  const unsure = /^[^ ]*\?/.exec(text)?.[0];
  return { tokenizers, seams: base64(seams), unsure: encoder.encode(unsure ?? "").length };
}

function hash(text: string): number {
  let value = 7;
  for (const character of text) value = (value * 31 + (character.codePointAt(0) ?? 0)) % 100_003;
  return value;
}

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal("fetch", async (_: string, init: { body: string }) => new Response(JSON.stringify(answer(JSON.parse(init.body) as Parameters<typeof answer>[0]))));
});
afterEach(() => vi.unstubAllGlobals());

async function settle(bench: Bench, text: string): Promise<void> {
  bench.text = text;
  await bench.ask();
}

function bench(...tokenizers: string[]): Bench {
  const made = new Bench();
  made.tokenizers = tokenizers;
  return made;
}

const tokens = (cut: Cut | undefined): unknown[] => Array.from({ length: cut?.groups ?? 0 }, (_, g) => cut?.tokens(g)).flat().map((token) => ({ ...token, raw: token && [...token.raw] }));
const WORDS = ["miller", "cat", "磨坊", "👩‍🍳", "naïve", "a", "sleeps.", "\n", "old  mill", "x1"];

function random(seed: number): () => number {
  return () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
}

function words(next: () => number, n: number): string {
  return Array.from({ length: n }, () => WORDS[Math.floor(next() * WORDS.length)]).join(" ");
}

test("after any edits the tokens are those of the whole text", async () => {
  const next = random(5);
  const edited = bench("threes", "others");
  let text = words(next, 200);
  await settle(edited, text);
  for (let turn = 0; turn < 60; turn++) {
    const points = [...text];
    const at = Math.floor(next() * points.length);
    points.splice(at, next() < 0.4 ? Math.floor(next() * 40) : 0, next() < 0.8 ? words(next, Math.ceil(next() * 3)) : "");
    text = points.join("");
    await settle(edited, text);
    const fresh = bench("threes", "others");
    await settle(fresh, text);
    for (const k of [0, 1]) {
      expect(tokens(edited.cuts[k])).toEqual(tokens(fresh.cuts[k]));
      expect(edited.cuts[k]?.counts).toEqual(fresh.cuts[k]?.counts);
    }
    expect(edited.sheet.stretches.map(({ bytes }) => bytes.text).join("")).toBe(text);
  }
});

test("one key asks for the stretches around it and redraws one block", async () => {
  const made = bench("threes");
  const text = words(random(9), 2_000);
  await settle(made, text);
  const before = made.cuts[0]?.blocks ?? [];
  const at = text.indexOf("miller", 4_000);
  await settle(made, `${text.slice(0, at)}e${text.slice(at)}`);
  expect(asked.at(-1)?.length).toBeLessThan(300);
  const after = made.cuts[0]?.blocks ?? [];
  expect(after.filter((block) => !before.includes(block)).length).toBeLessThanOrEqual(2);
});

test("of a text without seams the blocks around an edit are made anew, and no others", async () => {
  const made = bench("blind", "threes");
  const text = words(random(11), 3_000);
  await settle(made, text);
  for (const at of [text.indexOf("miller", 4_000), 10, text.length - 3]) {
    const before = made.cuts.map(({ blocks }) => blocks);
    await settle(made, `${text.slice(0, at)}e${text.slice(at)}`);
    made.cuts.forEach(({ blocks }, k) => expect(blocks.filter((block) => !before[k]?.includes(block)).length).toBeLessThanOrEqual(3));
    await settle(made, text);
  }
});

test("where what stands before may matter the whole text is asked for", async () => {
  const made = bench("threes");
  const text = words(random(9), 400).replaceAll("\n", "x");
  await settle(made, text);
  const at = text.indexOf("miller", 1_000);
  await settle(made, `${text.slice(0, at)}?${text.slice(at)}`);
  const last = asked.at(-1)?.length ?? 0;
  expect(last).toBeLessThan(300);
  for (let place = at; place < at + 60; place++) {
    const edited = `${text.slice(0, place)}?${text.slice(place)}`;
    await settle(made, edited);
    const fresh = bench("threes");
    await settle(fresh, edited);
    expect(tokens(made.cuts[0])).toEqual(tokens(fresh.cuts[0]));
  }
  await settle(made, text);
  asked.length = 0;
  vi.stubGlobal("fetch", async (_: string, init: { body: string }) => {
    const body = JSON.parse(init.body) as Parameters<typeof answer>[0];
    return new Response(JSON.stringify({ ...(answer(body) as object), unsure: encoder.encode(body.text).length }));
  });
  await settle(made, `${text.slice(0, at)}?${text.slice(at)}`);
  expect(asked.map(({ length }) => length > text.length)).toEqual([false, true]);
});

test("a long text comes in windows, and one without seams at once", async () => {
  const text = words(random(3), 12_000);
  const made = bench("threes");
  await settle(made, text);
  expect(asked.length).toBeGreaterThan(2);
  expect(made.sheet.length).toBe(text.length);
  expect(made.cuts[0]?.counts.special).toBe(2);
  const blind = bench("blind");
  await settle(blind, text);
  expect(tokens(blind.cuts[0]).length).toBe(tokens(made.cuts[0]).length);
  expect(Math.max(...(blind.cuts[0]?.blocks ?? []).map(({ groups }) => groups))).toBeLessThanOrEqual(400);
});

test("nothing is asked where nothing differs, and another choice asks for everything", async () => {
  const made = bench("threes");
  await settle(made, "one two three");
  await settle(made, "one two three");
  expect(asked.length).toBe(1);
  made.special = false;
  await settle(made, "one two three");
  expect(asked.at(-1)).toBe("one two three");
  expect(made.cuts[0]?.counts.special).toBe(0);
});

test("bytes lead to the string and back, through every block", async () => {
  const made = bench("threes");
  const text = words(random(2), 300);
  await settle(made, text);
  let byte = 0;
  for (let index = 0; index < text.length; index++) {
    if (/[\udc00-\udfff]/.test(text.charAt(index))) continue;
    expect(made.sheet.byteOf(index)).toBe(byte);
    expect(made.sheet.indexOf(byte)).toBe(index);
    byte += encoder.encode(String.fromCodePoint(text.codePointAt(index) ?? 0)).length;
  }
  const cut = made.cuts[0];
  for (let g = 1; g + 1 < (cut?.groups ?? 0); g++) expect(cut?.overlapping(cut.place(g).start, cut.place(g).end)).toEqual([g, g + 1]);
});

test("what is cut alike is no difference", async () => {
  const made = bench("threes", "others");
  await settle(made, "the old mill");
  expect(differences(made.cuts).flatMap((marks) => [...marks]).every((mark) => mark === 0)).toBe(true);
});

test("rows are lines; of many only those in sight are wanted", async () => {
  const made = bench("threes");
  await settle(made, "one two\n".repeat(500));
  const cut = made.cuts[0] as Cut;
  const rows = rowsOf(cut);
  const drawn = rows.flatMap(({ chunks }) => chunks.map(({ chunk }) => Array.from({ length: chunk.last - chunk.first }, (_, i) => chunk.block.text(chunk.first + i) + chunk.block.gap(chunk.first + i)).join("")));
  expect(drawn.join("")).toBe("one two\n".repeat(500));
  const tops = lay(rows, 40, 30, new WeakMap());
  const [first, last] = between(tops, 3_000, 3_600);
  expect(last - first).toBeLessThan(40);
});

test("words are counted as the server counts them", () => {
  expect(new Bytes("It's 磨坊, カタ 한국 x_1 don’t").words).toBe(2 + 2 + 2 + 2 + 2 + 2);
});
