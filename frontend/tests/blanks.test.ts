import { render, screen } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import Blanks from "../components/Blanks.svelte";
import Samples from "../components/run/Samples.svelte";
import { blanksOf, parts, withBlank, withWord, type Blank } from "../lib/blanks";
import { EMPTY, reduce } from "../lib/run";

const blank = (start: number, ...words: string[]): Blank => ({
  start,
  end: start + 6,
  candidates: words.map((text, id) => ({ id, text, probability: 0.5 / (id + 1) })),
});

test("a blank takes the place of what is selected, and the caret goes behind it", () => {
  const area = document.createElement("textarea");
  area.value = "床前 bright moon";
  area.setSelectionRange(3, 9);
  expect(withBlank(area)).toBe("床前 [MASK] moon");
  expect([area.selectionStart, area.selectionEnd]).toEqual([9, 9]);
});

test("a text is cut at its blanks, counted in characters", () => {
  const cut = parts("🦊🦊 [MASK] the [MASK]!", [blank(3, "sees", "hears"), blank(14, "##s")]);
  expect(cut).toEqual([
    { text: "🦊🦊 ", blank: null },
    { text: "sees", blank: 0 },
    { text: " the ", blank: null },
    { text: "-s", blank: 1 },
    { text: "!", blank: null },
  ]);
  expect(parts("床[MASK]", [blank(1, "前")]).map(({ text }) => text)).toEqual(["床", "前"]);
});

test("a word takes the place of its blank, a piece joins the word before it", () => {
  expect(withWord("🦊 [MASK] it", blank(2, "saw"), "saw")).toBe("🦊 saw it");
  expect(withWord("the cat [MASK].", blank(8, "##s"), "##s")).toBe("the cats.");
});

test("a sample of a masked model shows its candidates and what stood there", () => {
  const blanks = [{ ...blank(4, "king", "queen"), answer: "queen" }];
  const data = { step: 3, prompt: "the [MASK] sat", text: "the king sat", blanks };
  const state = reduce(EMPTY, { seq: 1, type: "sample", at: "", data });
  expect(state.samples[0]?.blanks).toEqual(blanks);
  expect(blanksOf(undefined)).toBeNull();
  render(Samples, { samples: state.samples });
  expect(screen.getByText(/queen”/)).toBeTruthy();
  expect(screen.getByText("50.0 %")).toBeTruthy();
  expect(screen.queryByRole("button", { name: /Put/ })).toBeNull();
});

test("where words can be taken, each is a button", () => {
  const onpick = vi.fn();
  render(Blanks, { text: "the [MASK]", blanks: [blank(4, "king", "##s")], onpick });
  screen.getByRole("button", { name: /“king”/ }).click();
  expect(onpick).toHaveBeenCalledWith(expect.anything(), expect.objectContaining({ text: "king" }));
});

test("a run that ended without a word does not promise one", () => {
  render(Samples, { samples: [], ended: true });
  expect(screen.getByText("It ended before it had written anything.")).toBeTruthy();
});
