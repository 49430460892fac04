import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { textOf } from "../lib/branches";
import { Talk } from "../lib/talk.svelte";

type Frame = Record<string, unknown>;
let asked: Frame[];
let stream: (body: Frame) => Frame[];

const token = (id: number, text: string): Frame => ({ id, text, probability: 0.5, alternatives: [{ id: id + 100, text: text.toUpperCase(), probability: 0.2 }] });

beforeEach(() => {
  asked = [];
  stream = () => [{ prompt_tokens: [] }, token(1, " upon"), token(2, " a"), token(3, " time")];
  history.replaceState(null, "", "/models/m1/talk/");
  vi.stubGlobal("fetch", async (_path: string, init: RequestInit) => {
    const body = JSON.parse(String(init.body)) as Frame;
    asked.push(body);
    return new Response(stream(body).map((frame) => JSON.stringify(frame)).join("\n"));
  });
});
afterEach(() => vi.unstubAllGlobals());

const words = (talk: Talk) => (talk.branch ? textOf(talk.branch) : null);

test("writes what streams in", async () => {
  const talk = new Talk("m1");
  talk.set({ prompt: "Once", temperature: 0.5 });
  await talk.generate();
  expect(words(talk)).toBe(" upon a time");
  expect([talk.busy, talk.branch?.ended]).toEqual([false, true]);
  expect(asked[0]).toMatchObject({ prompt: "Once", ids: null, temperature: 0.5, seed: 1, max_tokens: 120 });
  expect(location.search).toBe("?prompt=Once&temperature=0.5");
});

test("asking the same again takes the next seed, asking something else does not", async () => {
  const talk = new Talk("m1");
  await talk.generate();
  await talk.generate();
  talk.set({ prompt: "Twice" });
  await talk.generate();
  expect(asked.map(({ seed }) => seed)).toEqual([1, 2, 2]);
});

test("an alternative begins a branch that can be left and gone back to", async () => {
  const talk = new Talk("m1");
  await talk.generate();
  stream = () => [token(9, " cat")];
  await talk.take(1, { id: 102, text: " A", probability: 0.2 });
  expect(asked[1]).toMatchObject({ ids: [1, 102], max_tokens: 118 });
  expect(words(talk)).toBe(" upon A cat");
  talk.show(1);
  expect(words(talk)).toBe(" upon a time");
  expect(talk.branches).toHaveLength(2);
});

test("what goes wrong in the middle is said, and what was written stays", async () => {
  stream = () => [token(1, " upon"), { error: { code: "unavailable", message: "The engine was lost.", status: 503 } }];
  const talk = new Talk("m1");
  await talk.generate();
  expect([words(talk), talk.problem?.detail, talk.busy]).toEqual([" upon", "The engine was lost.", false]);
});

test("a try that gave nothing leaves no branch", async () => {
  stream = () => [{ error: { message: "No.", status: 422 } }];
  const talk = new Talk("m1");
  await talk.generate();
  expect([talk.branches.length, talk.branch, talk.problem?.status]).toEqual([0, null, 422]);
});

test("settings come from the address, within their limits", () => {
  history.replaceState(null, "", "/models/m1/talk/?prompt=Hi&temperature=99&top_k=5&seed=x");
  expect(new Talk("m1").settings).toMatchObject({ prompt: "Hi", temperature: 2, top_k: 5, seed: 1 });
});
