import { expect, it, test } from "vitest";
import { direction, glyphs, halves, hexadecimal, whole } from "../lib/glyphs";

test("what cannot be seen, or disturbs its neighbours, is written as a sign", () => {
  expect(glyphs("a\u0000b\rc", false)).toBe("a‹NUL›b‹CR›c");
  expect(glyphs("\u202eabc\u202c", false)).toBe("‹RLO›abc‹PDF›");
  expect(glyphs("👩\u200d🍳", false)).toBe("👩‹ZWJ›🍳");
  expect(glyphs("\u0301", false)).toBe("◌\u0301");
  expect(glyphs("\ufeff\u00ad", false)).toBe("‹BOM›‹SHY›");
});

test("spaces and line breaks are written where they are wanted", () => {
  expect(glyphs("a b\n\tc", true)).toBe("a·b↵\n⇥\tc");
  expect(glyphs("a b\n\tc", false)).toBe("a b\n\tc");
});

it("keeps four thousand marks on one letter", () => {
  const text = `e${"\u0301".repeat(4000)}`;
  expect(glyphs(text, true)).toBe(text);
});

test("half a surrogate pair is found, and replaced as an encoder does it", () => {
  expect(halves("a\ud83db\udc00 👍")).toEqual([1, 3]);
  expect(whole("a\ud83db")).toBe("a\ufffdb");
  expect(whole("👍")).toBe("👍");
});

test("the first letter gives the direction", () => {
  expect([direction("1. سلام a"), direction("שלום"), direction("a سلام"), direction("...")]).toEqual(["rtl", "rtl", "ltr", "ltr"]);
});

test("bytes are told from text", () => {
  expect([hexadecimal("E5 85"), hexadecimal("AB"), hexadecimal("the AB")]).toEqual([true, false, false]);
});
