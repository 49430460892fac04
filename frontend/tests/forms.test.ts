import { render, screen } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import MemoryBar from "../components/train/MemoryBar.svelte";
import { Forms, formWords, underWay, type Form } from "../lib/forms.svelte";

const form = (state: Form["state"], progress = 0): Form => ({ format: "gguf-q8_0", state, progress, bytes: state === "done" ? 9 : null, message: "", url: "/there" });

afterEach(() => vi.unstubAllGlobals());

/** A server whose answers to a look at the forms follow one another. */
function server(...states: Form[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    asked.push(`${init.method} ${path}`);
    if (!path.endsWith("/exports")) return Promise.resolve(Response.json({ id: "m", name: "GPT", meta: {}, bytes: 5 }));
    if (init.method === "POST") return Promise.resolve(Response.json(form("waiting"), { status: 202 }));
    return Promise.resolve(Response.json({ items: [states.length > 1 ? states.shift() : states[0]] }));
  });
  return asked;
}

it("asks for a form and says when it is there, once", async () => {
  const asked = server(form("running", 0.5), form("done"));
  const ready = vi.fn();
  const forms = new Forms("m", ready);
  await forms.make("gguf-q8_0");
  expect(forms.list.map(({ progress }) => progress)).toEqual([0.5]);
  expect(forms.list.every(underWay)).toBe(true);
  expect(ready).not.toHaveBeenCalled();
  const stop = forms.follow();
  await vi.waitFor(() => expect(ready).toHaveBeenCalledOnce());
  stop();
  expect(ready.mock.calls[0]?.[0]).toMatchObject({ url: "/there" });
  expect(asked.filter((line) => line.startsWith("POST"))).toEqual(["POST /api/v1/models/m/exports"]);
});

it("hands over nothing that nobody has asked for, and tells a refusal", async () => {
  server(form("done"));
  const ready = vi.fn();
  const forms = new Forms("m", ready);
  const stop = forms.follow();
  await vi.waitFor(() => expect(forms.list.length).toBe(1));
  stop();
  expect(ready).not.toHaveBeenCalled();
  vi.stubGlobal("fetch", () => Promise.resolve(new Response('{"title":"no","detail":"llama.cpp has none."}', { status: 422 })));
  await forms.make("gguf-f16");
  expect(forms.problem?.message).toBe("llama.cpp has none.");
});

it("has words for every form", () => {
  for (const format of ["folder", "adapter", "merged", "gguf-f16", "gguf-q8_0", "gguf-q4_0"]) {
    expect(formWords(format).title).not.toBe(format);
    expect(formWords(format).about).not.toBe("");
  }
});

it("shows the measured peak beside the foretold parts", () => {
  const MiB = 2 ** 20;
  const memory = { weights: MiB, gradients: MiB, optimizer: 2 * MiB, activations: 4 * MiB, logits: MiB, other: 400 * MiB, total: 409 * MiB, available: null };
  const { container, unmount } = render(MemoryBar, { memory, measured: 380 * MiB });
  expect(screen.getByText("380 MiB measured, 409 MiB estimated")).toBeTruthy();
  expect((container.querySelector(".measured") as HTMLElement).style.left).toMatch(/^92\.9/);
  unmount();
  render(MemoryBar, { memory, measured: null });
  expect(screen.getByText("409 MiB estimated")).toBeTruthy();
  expect(document.querySelector(".measured")).toBeNull();
});
