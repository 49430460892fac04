import { afterEach, expect, it, vi } from "vitest";
import { Answers, type Asked } from "../lib/answers.svelte";

const manner = { prompt: "The", max_tokens: 4, temperature: 0, seed: 1 };
const asked = (key: string): Asked => ({ key, model: key, adapter: key !== "base", instruction: false });

function answer(...frames: object[]): Response {
  return new Response(frames.map((frame) => JSON.stringify(frame)).join("\n"), { headers: { "Content-Type": "application/x-ndjson" } });
}

afterEach(() => vi.unstubAllGlobals());

it("asks one model after another and keeps each answer apart", async () => {
  const bodies: Record<string, unknown>[] = [];
  const paths: string[] = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    paths.push(path);
    bodies.push(JSON.parse(String(init.body)) as Record<string, unknown>);
    if (path.includes("/bad/")) return Promise.resolve(new Response('{"title":"no","detail":"It does not open."}', { status: 422 }));
    if (path.includes("/ill/")) return Promise.resolve(answer({ id: 1, text: " cat" }, { error: { message: "It broke.", status: 500 } }));
    return Promise.resolve(answer({ prompt_tokens: [] }, { id: 1, text: " cat" }, { id: 2, text: " sat" }));
  });
  const answers = new Answers();
  await answers.ask(["good", "bad", "ill", "base"].map(asked), manner);
  expect(paths.map((path) => path.split("/")[4])).toEqual(["good", "bad", "ill", "base"]);
  expect(bodies.map(({ adapter }) => adapter)).toEqual([true, true, true, false]);
  expect(answers.of.good).toMatchObject({ prompt: "The", text: " cat sat", state: "done" });
  expect(answers.of.bad).toMatchObject({ state: "failed", text: "" });
  expect(answers.of.bad?.problem?.message).toContain("does not open");
  expect(answers.of.ill).toMatchObject({ state: "failed", text: " cat" });
  expect(answers.busy).toBe(false);
});

it("stops at once, and nobody waits any more", async () => {
  vi.stubGlobal("fetch", (_path: string, init: RequestInit) => new Promise((_resolve, reject) => init.signal?.addEventListener("abort", () => reject(new DOMException("gone", "AbortError")))));
  const answers = new Answers();
  const done = answers.ask([asked("a"), asked("b")], manner);
  expect(answers.busy).toBe(true);
  answers.stop();
  await done;
  expect(Object.values(answers.of).map(({ state }) => state)).toEqual(["done", "done"]);
  expect(answers.busy).toBe(false);
});

it("asks a base by the template of what was tuned from it", async () => {
  const bodies: unknown[] = [];
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    bodies.push(JSON.parse(String(init.body)));
    return Promise.resolve(answer({ prompt_tokens: [] }));
  });
  const template = "Q {prompt}\nA {completion}";
  await new Answers().ask([{ ...asked("a"), instruction: true, template }, { ...asked("b"), template }], manner);
  expect(bodies).toEqual([{ ...manner, adapter: true, instruction: true, template }, { ...manner, adapter: true, instruction: false }]);
});

it("asks a masked model for its blanks, and leaves it out where there are none", async () => {
  const blanks = [{ start: 4, end: 10, candidates: [{ id: 7, text: "cat", probability: 0.5 }] }];
  const sent: [string, unknown][] = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    sent.push([path, JSON.parse(String(init.body))]);
    return Promise.resolve(path.endsWith("/fill") ? new Response(JSON.stringify({ text: "", filled: "", blanks })) : answer({ prompt_tokens: [] }, { id: 1, text: " end" }));
  });
  const answers = new Answers();
  const masked = { ...asked("masked"), fills: true };
  await answers.ask([masked, { ...asked("causal"), prompt: "The" }], { ...manner, prompt: "The [MASK] sat" });
  expect(sent.map(([path]) => path)).toEqual(["/api/v1/models/masked/fill", "/api/v1/models/causal/generate"]);
  expect(sent.map(([, body]) => body)).toMatchObject([{ text: "The [MASK] sat" }, { prompt: "The" }]);
  expect(answers.of.masked).toMatchObject({ prompt: "The [MASK] sat", state: "done", blanks });
  expect(answers.of.causal).toMatchObject({ prompt: "The", text: " end", state: "done", blanks: null });
  await answers.ask([masked], manner);
  expect([answers.of.masked?.state, sent.length]).toEqual(["blankless", 2]);
});
