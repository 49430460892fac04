import { describe, expect, it } from "vitest";
import { fork, surprise, textOf, tree, type Branch, type Token } from "../lib/branches";
import { lines } from "../lib/ndjson";

const token = (id: number, text: string, probability = 0.5): Token => ({
  id,
  text,
  probability,
  alternatives: [
    { id, text, probability },
    { id: id + 100, text: text.toUpperCase(), probability: 0.1 },
  ],
});
const root: Branch = { id: 1, prompt: "Once", parent: null, shared: 0, ended: true, tokens: [token(1, " upon"), token(2, " a"), token(3, " time")] };

describe("fork", () => {
  it("keeps what stands before and puts the alternative in its place", () => {
    const branch = fork(root, 1, { id: 102, text: " A", probability: 0.1 }, 2);
    expect(textOf(branch)).toBe(" upon A");
    expect(branch).toMatchObject({ parent: 1, shared: 1, prompt: "Once", ended: false });
    expect(branch.tokens[1]).toMatchObject({ id: 102, chosen: true, probability: 0.1 });
    expect(branch.tokens[1]?.alternatives).toHaveLength(2);
    expect(textOf(root)).toBe(" upon a time");
  });
});

describe("tree", () => {
  it("puts each branch under the one that it left", () => {
    const two = { ...fork(root, 1, { id: 9, text: " the", probability: 0.1 }, 2), ended: true };
    const three = fork(two, 1, { id: 8, text: " one", probability: 0.1 }, 3);
    const four = fork(root, 2, { id: 7, text: " day", probability: 0.1 }, 4);
    const rows = tree([root, two, three, four]);
    expect(rows.map(({ branch, depth, opening }) => [branch.id, depth, opening])).toEqual([
      [1, 0, "upon a time"],
      [2, 1, "the"],
      [3, 2, "one"],
      [4, 1, "day"],
    ]);
  });
});

it("measures surprise in tenths of ten bits", () => {
  expect([surprise(1), surprise(0.5), surprise(0)]).toEqual([0, 0.1, 1]);
});

describe("lines", () => {
  it("reads values however the bytes are cut", async () => {
    const bytes = new TextEncoder().encode('{"text":"猫"}\n{"n":2}\n\n{"n":3}');
    const cut = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const found: unknown[] = [];
    for await (const value of lines(new Response(cut))) found.push(value);
    expect(found).toEqual([{ text: "猫" }, { n: 2 }, { n: 3 }]);
  });
});
