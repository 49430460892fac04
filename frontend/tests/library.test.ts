import { fireEvent, render, screen } from "@testing-library/svelte";
import { flushSync } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import SendingLine from "../components/library/Sending.svelte";
import { Shelf } from "../components/library/shelf.svelte";
import Table from "../components/library/Table.svelte";
import type { Artifact } from "../lib/types";
import { toasts } from "../lib/toasts.svelte";

/** An XMLHttpRequest whose server is the test: it says how far the file is and what the answer is. */
class Wire {
  static last: Wire;
  upload: { onprogress?: (event: Partial<ProgressEvent>) => void } = {};
  onload?: () => void;
  onabort?: () => void;
  onerror?: () => void;
  status = 0;
  responseText = "";
  sent: FormData | null = null;
  constructor() {
    Wire.last = this;
  }
  open(): void {}
  setRequestHeader(): void {}
  send(form: FormData): void {
    this.sent = form;
  }
  abort(): void {
    this.onabort?.();
  }
  answer(status: number, body: unknown): void {
    this.status = status;
    this.responseText = JSON.stringify(body);
    this.onload?.();
  }
}

const corpus = (id: string, more: Partial<Artifact> = {}): Artifact => ({
  id, kind: "corpus", name: `text ${id}`, sha256: "00", bytes: 2048, created_at: "2026-01-01T00:00:00Z", shared: false,
  meta: { characters: 2000, lines: 10, language_mix: { latin: 0.7, han: 0.3 } }, origin: {}, in_use: 0, url: "", ...more,
});
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.stubGlobal("XMLHttpRequest", Wire);
  vi.stubGlobal("fetch", fetched);
  toasts.length = 0;
});
afterEach(() => {
  vi.unstubAllGlobals();
  fetched.mockReset();
});

test("a file goes in under its own name, says how far it is, and stands first in the library", async () => {
  const shelf = new Shelf();
  shelf.items.corpora = [corpus("1")];
  shelf.uploads.start("corpora", [new File(["text"], "tang_poems.txt")]);
  expect(Wire.last.sent?.get("name")).toBe("tang poems");
  Wire.last.upload.onprogress?.({ lengthComputable: true, loaded: 1, total: 4 });
  expect(shelf.uploads.list[0]?.share).toBe(0.25);
  Wire.last.answer(201, corpus("2"));
  await settled();
  expect(shelf.uploads.list).toHaveLength(0);
  expect(shelf.items.corpora?.map(({ id }) => id)).toEqual(["2", "1"]);
});

test("the same content again is found again, not doubled", async () => {
  const shelf = new Shelf();
  shelf.items.corpora = [corpus("1"), corpus("2")];
  shelf.uploads.start("corpora", [new File(["text"], "again.txt")]);
  Wire.last.answer(200, corpus("2"));
  await settled();
  expect(shelf.items.corpora?.map(({ id }) => id)).toEqual(["2", "1"]);
  expect(toasts.at(-1)?.message).toContain("already");
});

test("a refusal stays until it is read; Cancel leaves nothing", async () => {
  const shelf = new Shelf();
  shelf.items.corpora = [];
  shelf.uploads.start("corpora", [new File(["\0"], "binary")]);
  Wire.last.answer(422, { title: "This file cannot be a corpus.", detail: "", errors: [{ field: "file", message: "Byte 0." }] });
  await settled();
  expect(shelf.uploads.list[0]?.problem?.of("file")).toBe("Byte 0.");
  shelf.uploads.start("corpora", [new File(["a"], "b.txt")]);
  shelf.uploads.list[1]?.cancel();
  await settled();
  expect(shelf.uploads.list).toHaveLength(1);
  expect(shelf.items.corpora).toEqual([]);
});

test("a file over the limit is refused before a byte is sent", async () => {
  const limits = { max_corpus_bytes: 3, max_tokenizer_bytes: 3, max_model_bytes: 3, max_name_characters: 200 };
  fetched.mockImplementation(async (path) => new Response(JSON.stringify(String(path).endsWith("me") ? { limits } : { items: [] })));
  const shelf = new Shelf();
  shelf.load();
  await settled();
  shelf.uploads.start("corpora", [new File(["four"], "big.txt")]);
  expect(shelf.uploads.list[0]?.problem?.status).toBe(413);
});

test("renaming shows what the server made of the name", async () => {
  const shelf = new Shelf();
  shelf.items.corpora = [corpus("1"), corpus("2")];
  fetched.mockResolvedValue(new Response(JSON.stringify(corpus("2", { name: "clean" }))));
  await shelf.rename("corpora", corpus("2"), " clean ");
  expect(shelf.items.corpora.map(({ name }) => name)).toEqual(["text 1", "clean"]);
});

test("what was deleted is gone at once and comes back to its place on Undo", () => {
  const shelf = new Shelf();
  shelf.items.corpora = [corpus("1"), corpus("2"), corpus("3")];
  shelf.remove("corpora", corpus("2"));
  expect(shelf.items.corpora.map(({ id }) => id)).toEqual(["1", "3"]);
  toasts.at(-1)?.action?.run();
  expect(shelf.items.corpora.map(({ id }) => id)).toEqual(["1", "2", "3"]);
  expect(fetched).not.toHaveBeenCalled();
});

test("what a run reads stays, and the reason is said at once", async () => {
  const shelf = new Shelf();
  shelf.items.corpora = [corpus("1", { in_use: 1 })];
  const body = { title: "Conflict", detail: "It is in use: the run “a” has not ended.", code: "in_use", status: 409 };
  fetched.mockResolvedValue(new Response(JSON.stringify(body), { status: 409 }));
  shelf.remove("corpora", corpus("1", { in_use: 1 }));
  await vi.waitFor(() => expect(shelf.problem?.detail).toContain("in use"));
  expect(shelf.items.corpora).toHaveLength(1);
  expect(toasts).toHaveLength(0);
});

const actions = { rename: vi.fn(), remove: vi.fn(), preview: vi.fn(), origin: vi.fn(), take: vi.fn() };

test("the table says what a text is and what can be done with it", async () => {
  render(Table, { kind: "corpora", items: [corpus("1", { in_use: 2 })], actions });
  expect(screen.getByRole("link", { name: "Train on this" }).getAttribute("href")).toBe("/train/?corpus=1");
  expect(screen.getByRole("img", { name: /Latin 70.0 %, Chinese 30.0 %/ })).toBeTruthy();
  expect(screen.getByText("in use by 2 runs")).toBeTruthy();
  await fireEvent.click(screen.getByRole("menuitem", { name: "Delete", hidden: true }));
  expect(actions.remove).toHaveBeenCalledOnce();
  await fireEvent.click(screen.getByRole("menuitem", { name: "Rename", hidden: true }));
  flushSync();
  expect(screen.getByRole("textbox", { name: "New name" })).toBeTruthy();
});

test("starter content can be used and taken along, not renamed or deleted", () => {
  render(Table, { kind: "corpora", items: [corpus("1", { shared: true })], actions });
  const items = screen.getAllByRole("menuitem", { hidden: true }).map((item) => item.textContent?.trim());
  expect(items).toEqual(expect.arrayContaining(["Read it", "Train a tokenizer on it", "Where it comes from", "Download"]));
  expect(items).toHaveLength(4);
});

test("a line of an upload shows its progress to everyone", () => {
  render(SendingLine, { sending: { id: 1, name: "a.txt", share: 0.5, problem: null, cancel: vi.fn() }, dismiss: vi.fn() });
  expect(screen.getByRole("progressbar", { name: "Sending a.txt" }).getAttribute("aria-valuenow")).toBe("50");
});
