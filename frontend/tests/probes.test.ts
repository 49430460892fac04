import { render, screen, fireEvent } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import Expectations from "../components/run/probes/Expectations.svelte";
import Scrubber from "../components/run/probes/Scrubber.svelte";
import PinSentences from "../components/train/PinSentences.svelte";
import { Attentions } from "../lib/attention.svelte";
import { formAddress, fromQuery } from "../lib/form";
import { decades, expectations, headOf, looksAt, nearestStation, ranges, stations, textAt, weight, type Place, type ProbeRecord } from "../lib/probes";
import { EMPTY, reduce } from "../lib/run";
import { RunForm } from "../lib/runForm.svelte";
import { fieldsOf, shownValue, type Kind } from "../lib/schema";
import { Scrub } from "../lib/scrub.svelte";
import { scale } from "../lib/sequential";

const STEPS = [1, 2, 3, 4, 6, 8, 11, 16];

describe("the scrubber", () => {
  let steps: number[];
  let scrub: Scrub;
  beforeEach(() => {
    vi.useFakeTimers();
    steps = [...STEPS];
    scrub = new Scrub(() => steps, 100);
  });
  afterEach(() => vi.useRealTimers());

  test("stays at the end of a run that goes on, and elsewhere stays where it is", () => {
    expect([scrub.step, scrub.following]).toEqual([16, true]);
    steps.push(23);
    expect(scrub.step).toBe(23);
    scrub.go(2);
    steps.push(32);
    expect([scrub.step, scrub.following]).toEqual([3, false]);
    scrub.key("End");
    steps.push(45);
    expect(scrub.step).toBe(45);
  });

  test("goes by keys, and not beyond its ends", () => {
    scrub.key("Home");
    expect(scrub.step).toBe(1);
    scrub.key("ArrowLeft");
    expect(scrub.step).toBe(1);
    scrub.key("ArrowRight");
    scrub.key("PageUp");
    expect(scrub.step).toBe(11);
    scrub.key("ArrowDown");
    expect(scrub.step).toBe(8);
    scrub.key("PageUp");
    expect(scrub.following).toBe(true);
    expect(scrub.key("x")).toBe(false);
  });

  test("goes to the record that is nearest by the logarithm of its step", () => {
    scrub.goTo(5);
    expect(scrub.step).toBe(6);
    scrub.goTo(13);
    expect(scrub.step).toBe(11);
    scrub.goTo(1e6);
    expect(scrub.following).toBe(true);
  });

  test("plays from the beginning to the end and then holds; a hand stops it", () => {
    scrub.play();
    expect(scrub.step).toBe(1);
    vi.advanceTimersByTime(250);
    expect(scrub.step).toBe(3);
    scrub.key("ArrowRight");
    vi.advanceTimersByTime(1000);
    expect([scrub.step, scrub.playing]).toEqual([4, false]);
    scrub.play();
    vi.advanceTimersByTime(1000);
    expect([scrub.step, scrub.playing, scrub.following]).toEqual([16, false, true]);
  });

  test("is a slider that is said aloud, moved by arrow keys and played by the space bar", async () => {
    render(Scrubber, { scrub, steps, end: 300 });
    const slider = screen.getByRole("slider", { name: "Recorded step" });
    expect(slider.getAttribute("aria-valuetext")).toBe("step 16");
    await fireEvent.keyDown(slider, { key: "ArrowLeft" });
    expect(slider.getAttribute("aria-valuenow")).toBe("11");
    await fireEvent.keyDown(slider, { key: " " });
    expect(scrub.playing).toBe(true);
    await fireEvent.click(screen.getByRole("button", { name: "Hold it" }));
    expect(scrub.playing).toBe(false);
  });
});

test("stations stand by the logarithm of their step", () => {
  const places = stations([1, 10, 100, 1000], 1000);
  expect(places.map((place) => Number(place.toFixed(4)))).toEqual([0, 0.3333, 0.6667, 1]);
  expect(nearestStation(places, 0.4)).toBe(1);
  expect(nearestStation(places, 9)).toBe(3);
  expect(decades(300)).toEqual([1, 10, 100]);
  expect(decades(1000)).toEqual([1, 10, 100, 1000]);
});

test("a byte is the square root of its weight, and a row says what it looks at", () => {
  expect(weight(255)).toBe(1);
  expect(weight(128)).toBeCloseTo(0.252, 3);
  const codes = Uint8Array.from({ length: 2 * 2 * 9 }, (_, i) => i);
  expect([...headOf({ codes, layers: 2, heads: 2, tokens: 3 }, 1, 1)]).toEqual([27, 28, 29, 30, 31, 32, 33, 34, 35]);
  expect([...headOf({ codes, layers: 4, heads: 1, tokens: 3 }, 1, 5)]).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17]);
  const head = Uint8Array.from([255, 0, 0, 180, 180, 0, 10, 140, 200]);
  expect(looksAt(head, 3, 2).map(({ token }) => token)).toEqual([2, 1]);
});

const PLACES: Place[] = [
  { top: [["b", 0.6], ["x", 0.3]], p: 0.6, rank: 0 },
  { top: [["x", 0.5], ["y", 0.2]], p: 0.01, rank: null },
  { top: [["!", 0.9]] },
] as Place[];

test("a causal network's expectations stand under the token that they are about", () => {
  const found = expectations(PLACES, ["a", "b", "c"], true);
  expect(found.map(({ index }) => index)).toEqual([1, 2, null]);
  expect(found[0]?.guesses.map(({ text, kind }) => [text, kind])).toEqual([["b", "true"], ["x", "guess"]]);
  expect(found[1]?.guesses.at(-1)).toEqual({ text: "c", p: 0.01, kind: "true" });
  expect(found[2]?.guesses).toEqual([{ text: "!", p: 0.9, kind: "guess" }]);
});

test("fillings stand under the token that was hidden", () => {
  expect(expectations([{}, ...PLACES.slice(0, 1), {}] as Place[], ["[CLS]", "b", "[SEP]"], false).map(({ index }) => index)).toEqual([1]);
});

test("no expectation is shown as a replacement character", () => {
  const { container } = render(Expectations, { places: PLACES, names: ["床 1/2", "床 2/2", "前"], causal: true, row: 1 });
  expect(container.textContent).not.toContain("\ufffd");
  expect(container.textContent).toContain("床 2/2");
});

const record = (step: number, update: number): ProbeRecord => ({ step, detail: "heads", sentences: [], layers: { name: ["0"], gradient: [1], update: [update], weight: [2] } });

test("records of a run stand in the order of their steps, each once", () => {
  const events = [4, 1, 2].map((step, i) => ({ seq: i + 1, type: "probe", at: "", data: record(step, 0.1) as unknown as Record<string, unknown> }));
  const state = events.reduce(reduce, EMPTY);
  expect(state.probes.map(({ step }) => step)).toEqual([1, 2, 4]);
  expect(ranges([record(1, 0.1), record(2, 0.4), record(3, 0)], ({ update }, at) => update[at] ?? 0)).toEqual([[0.1, 0.4]]);
});

test("the text in sight is the last that was written by then", () => {
  const texts = [{ step: 100 }, { step: 1 }, { step: 32 }];
  expect(textAt(texts, 50)).toEqual({ step: 32 });
  expect(textAt(texts, 0)).toBe(null);
});

test("the colours run from the page to the far end of the scale, in both themes", () => {
  const light = (table: Uint8Array, at: number): number => 0.2126 * (table[at * 4] ?? 0) + 0.7152 * (table[at * 4 + 1] ?? 0) + 0.0722 * (table[at * 4 + 2] ?? 0);
  const [paper, dark] = [scale("light"), scale("dark")];
  for (let i = 1; i < 256; i += 1) {
    expect(light(paper, i)).toBeLessThanOrEqual(light(paper, i - 1) + 1);
    expect(light(dark, i)).toBeGreaterThanOrEqual(light(dark, i - 1) - 1);
    expect(paper[i * 4 + 3]).toBeGreaterThanOrEqual(paper[i * 4 - 1] ?? 0);
  }
  expect([paper[3], paper[255 * 4 + 3]]).toEqual([18, 255]);
});

describe("fetching attention", () => {
  let asked: string[];
  beforeEach(() => {
    asked = [];
    vi.stubGlobal("fetch", async (path: string) => {
      asked.push(path);
      if (path.includes("/3/")) return new Response("{}", { status: 404 });
      return new Response(new Uint8Array(16), { headers: { "X-Shape": "1, 1, 4, 4" } });
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  test("begins where one looks and goes outwards, each once", async () => {
    const attentions = new Attentions("j");
    attentions.look([1, 2, 3, 4, 6], 3, 0);
    await vi.waitFor(() => expect(asked).toHaveLength(5));
    expect(asked[0]).toBe("/api/v1/jobs/j/probes/4/0/attention");
    expect(new Set(asked.slice(1, 3))).toEqual(new Set(["/api/v1/jobs/j/probes/3/0/attention", "/api/v1/jobs/j/probes/6/0/attention"]));
    await vi.waitFor(() => expect(attentions.at(1, 0)).toEqual({ codes: new Uint8Array(16), layers: 1, heads: 1, tokens: 4 }));
    expect(attentions.at(3, 0)).toBe(null);
    expect(attentions.at(2, 1)).toBe(undefined);
    attentions.look([1, 2, 3, 4, 6, 8], 5, 0);
    await vi.waitFor(() => expect(asked).toHaveLength(6));
    attentions.close();
  });
});

const KIND: Kind = {
  name: "clm", title: "", summary: "", presets: {},
  params: { properties: { probes: { group: "probes", type: "array", default: [] }, probe_words: { group: "probes", type: "array", default: [] } } },
};

test("sentences are pinned one by one, not twice, and words are taken apart", async () => {
  history.replaceState(null, "", "/train/");
  const form = new RunForm(KIND);
  render(PinSentences, { form });
  for (const text of ["the cat", " the cat ", "床前明月光"]) {
    const field = screen.getByRole("textbox", { name: /sentence/ });
    await fireEvent.input(field, { target: { value: text } });
    await fireEvent.keyDown(field, { key: "Enter" });
  }
  expect(form.values.probes).toEqual(["the cat", "床前明月光"]);
  const words = screen.getByRole("textbox", { name: "Words to follow" });
  await fireEvent.input(words, { target: { value: "cat  dog、月 cat" } });
  await fireEvent.change(words);
  expect(form.values.probe_words).toEqual(["cat", "dog", "月"]);
  await fireEvent.click(screen.getByRole("button", { name: "Unpin “the cat”" }));
  expect(form.params).toEqual({ probes: ["床前明月光"], probe_words: ["cat", "dog", "月"] });
});

test("pinned sentences travel in an address and are listed among the parameters", () => {
  const address = formAddress("clm", { probes: ["a, b", "“c”"] });
  expect(fromQuery(fieldsOf(KIND.params), new URL(address, "http://x").searchParams).probes).toEqual(["a, b", "“c”"]);
  expect(shownValue(["a", "b"], "")).toBe("a · b");
  expect(shownValue([], "")).toBe(null);
});
