import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RunForm } from "../lib/runForm.svelte";
import type { Kind } from "../lib/schema";
import { lackingWords } from "../lib/tuning";

const kind: Kind = {
  name: "clm",
  title: "Language model",
  summary: "",
  presets: {},
  params: {
    required: ["corpus"],
    properties: {
      corpus: { title: "Corpus", group: "data", type: "string" },
      steps: { title: "Steps", group: "budget", anyOf: [{ type: "integer" }, { type: "null" }], default: 300 },
      n_head: { title: "Heads", group: "model", type: "integer", default: 4 },
    },
  },
};

type Sent = { path: string; body: unknown; key: string | null };
let sent: Sent[];
let answers: (() => Response)[];

beforeEach(() => {
  sent = [];
  answers = [];
  history.replaceState(null, "", "/train/?corpus=c1");
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    sent.push({ path, body: JSON.parse(String(init.body)), key: new Headers(init.headers).get("Idempotency-Key") });
    const answer = answers.shift();
    if (answer === undefined) throw new TypeError("no network");
    return answer();
  });
});
afterEach(() => vi.unstubAllGlobals());

const json = (body: unknown, status = 200) => () => new Response(JSON.stringify(body), { status });

test("what is sent is what differs from the defaults, and the address holds it", async () => {
  const form = new RunForm(kind);
  form.set({ steps: 50 });
  expect(location.search).toBe("?corpus=c1&steps=50");
  answers = [json({ fits: true, problems: [] })];
  await form.ask();
  expect(sent[0]).toMatchObject({ path: "/api/v1/jobs/estimate", body: { kind: "clm", params: { corpus: "c1", steps: 50 } } });
  expect(form.ready).toBe(true);
});

test("one press is one run: after a lost answer the same key is sent again, for other values a new one", async () => {
  const form = new RunForm(kind);
  expect(await form.train()).toBeNull();
  expect(form.problem?.status).toBe(0);
  answers = [json({ id: "j1" }, 202)];
  expect(await form.train()).toMatchObject({ id: "j1" });
  expect(sent[0]?.key).toMatch(/^[0-9a-f]{32}$/);
  expect(sent[1]?.key).toBe(sent[0]?.key);
  form.set({ steps: 7 });
  answers = [json({ id: "j2" }, 202)];
  await form.train();
  expect(sent[2]?.key).not.toBe(sent[0]?.key);
});

test("what is wrong stands at its field; what fits no field is said apart", async () => {
  const form = new RunForm(kind);
  answers = [json({ title: "Wrong", errors: [{ field: "params.n_head", message: "3 is odd." }] }, 422)];
  await form.ask();
  expect([form.error("n_head"), form.error("steps"), form.elsewhere]).toEqual(["3 is odd.", undefined, null]);
  expect(form.ready).toBe(false);
  answers = [json({ title: "The line is full.", errors: [] }, 429)];
  await form.train();
  expect(form.elsewhere?.title).toBe("The line is full.");
});

test("an estimate that does not fit says so at the field and holds Train back", async () => {
  const form = new RunForm(kind);
  answers = [json({ fits: false, problems: [{ field: "n_head", message: "Needs 9 GiB." }] })];
  await form.ask();
  expect([form.error("n_head"), form.ready]).toEqual(["Needs 9 GiB.", false]);
});

test("nothing is asked about a run without what it reads, and Train waits for it", async () => {
  history.replaceState(null, "", "/train/");
  const form = new RunForm(kind);
  await form.ask();
  expect([sent, form.lacking, form.stale, form.ready]).toEqual([[], ["corpus"], false, false]);
  expect(lackingWords(form)).toMatch(/^Give it a text/);
  answers = [json({ fits: true, problems: [] })];
  form.set({ corpus: "c2" });
  await form.ask();
  expect([sent.length, form.lacking, form.ready, lackingWords(form)]).toEqual([1, [], true, ""]);
});
