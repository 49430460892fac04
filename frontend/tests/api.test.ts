import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api, asProblem, Problem, problemFrom, url } from "../lib/api";

const fetched = vi.fn<typeof fetch>();
beforeEach(() => {
  vi.stubGlobal("fetch", fetched);
  document.head.innerHTML = '<meta name="csrf-token" content="secret">';
});
afterEach(() => {
  vi.unstubAllGlobals();
  fetched.mockReset();
});

const answer = (status: number, body: unknown): Response => new Response(body === null ? null : JSON.stringify(body), { status });

test("a query leaves out what is undefined and writes the rest safely", () => {
  expect(url("jobs", { limit: 5, status: undefined, name: "a&b" })).toBe("/api/v1/jobs?limit=5&name=a%26b");
  expect(url("me")).toBe("/api/v1/me");
});

test("a change carries the token that keeps other sites out; a look does not", async () => {
  fetched.mockImplementation(async () => answer(200, { ok: true }));
  await api.post("jobs", { kind: "clm" });
  await api.get("jobs");
  const [post, get] = fetched.mock.calls.map(([, init]) => init?.headers as Record<string, string>);
  expect(post).toMatchObject({ "X-CSRFToken": "secret", "Content-Type": "application/json" });
  expect(get).not.toHaveProperty("X-CSRFToken");
});

test("a deletion that worked has no content", async () => {
  fetched.mockResolvedValue(answer(204, null));
  await expect(api.del("corpora/1")).resolves.toBeUndefined();
});

test("a problem document becomes a Problem that knows its fields", async () => {
  const errors = [{ field: "params.steps", message: "At least 1." }, { field: "name", message: "Too long." }];
  fetched.mockResolvedValue(answer(422, { type: "bad-input", title: "See the fields.", detail: "", status: 422, errors }));
  const problem = await api.post("jobs", {}).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(Problem);
  expect((problem as Problem).of("steps")).toBe("At least 1.");
  expect((problem as Problem).of("name")).toBe("Too long.");
  expect((problem as Problem).of("seed")).toBeUndefined();
});

test("an answer that is no problem document is still said in words", () => {
  expect(problemFrom(502, "<html>bad gateway").title).toContain("502");
});

test("a lost network is a Problem, an abandoned question is not", async () => {
  fetched.mockRejectedValue(new TypeError("failed to fetch"));
  await expect(api.get("me")).rejects.toMatchObject({ status: 0 });
  const leaving = new AbortController();
  leaving.abort();
  fetched.mockRejectedValue(new DOMException("aborted", "AbortError"));
  await expect(api.get("me", { signal: leaving.signal })).rejects.toMatchObject({ name: "AbortError" });
});

test("anything thrown can be shown", () => {
  expect(asProblem(new Error("oh")).message).toContain("oh");
  const problem = new Problem(409, "In use", "A run reads it.");
  expect(asProblem(problem)).toBe(problem);
});
