import { expect, test } from "vitest";
import { nameOf as fileName } from "../components/library/uploads.svelte";
import { thin } from "../lib/curves.svelte";
import { plates } from "../lib/exhibits";
import { curl, python } from "../lib/snippets";
import { csv } from "../lib/table";
import { groups, nameOf, visible } from "../lib/tokens";

test("CSV quotes what must be quoted, and a token is never a formula", () => {
  const rows = [{ token: 'say "hi", all', p: 0.5 }, { token: "=1+1", p: -0.25 }, { token: "两\n行", p: null }];
  expect(csv(rows)).toBe('\ufefftoken,p\r\n"say ""hi"", all",0.5\r\n\'=1+1,-0.25\r\n"两\n行",\r\n');
});

test("a lesson is set in plates: questions are titles, the last words are what to notice", () => {
  const found = plates("What comes next? A model answers.\n\nRead on.\n\nHow unsure is it? In bits, that is.\n\nNotice the names.");
  expect(found.map(({ title }) => title)).toEqual(["What comes next?", "How unsure is it?", "What to notice"]);
  expect(found[0]?.paragraphs).toEqual(["A model answers.", "Read on."]);
  expect(plates("接下来是什么？模型回答。")[0]).toEqual({ title: "接下来是什么？", paragraphs: ["模型回答。"] });
  expect(plates("")).toEqual([]);
});

test("white space of a token can be seen", () => {
  expect(visible(" the")).toBe("·the");
  expect(visible("\n")).toBe("↵");
  expect(visible("")).toBe("‹part of a character›");
});

test("the tokens of one character are one group, and each has a name", () => {
  const tokens = ["我", "", "", "😀", " be", ""].map((text) => ({ text }));
  expect(groups(tokens).map(({ text, first, tokens: { length } }) => [text, first, length])).toEqual([["我", 0, 1], ["😀", 1, 3], [" be", 4, 1], ["", 5, 1]]);
  expect([0, 1, 3, 4].map((i) => nameOf(tokens, i))).toEqual(["我", "😀 1/3", "😀 3/3", "·be"]);
});

test("a thumbnail of a curve keeps its ends and its mean", () => {
  const values = Array.from({ length: 1000 }, (_, i) => i);
  const small = thin(values, 100);
  expect(small).toHaveLength(100);
  expect(small[0]).toBeCloseTo(4.5);
  expect(thin([3, 2, 1], 100)).toEqual([3, 2, 1]);
});

test("a file is called after itself", () => {
  expect(fileName(new File([], "tiny_shakespeare.txt"))).toBe("tiny shakespeare");
  expect(fileName(new File([], ".txt"))).toBe(".txt");
  expect(fileName(new File([], "唐诗三百首.txt"))).toBe("唐诗三百首");
});

test("no text can break out of the code that is copied", () => {
  const text = "it's '''quoted''' \\ and $(so on)";
  const [, json] = /r'''([\s\S]*?)'''/.exec(python("POST", "jobs", { text })) ?? [];
  expect(JSON.parse(json ?? "")).toEqual({ text });
  const quoted = curl("POST", "jobs", { text }).split("-d ")[1] ?? "";
  expect(quoted.slice(1, -1).replaceAll("'\\''", "'")).toBe(JSON.stringify({ text }));
});
