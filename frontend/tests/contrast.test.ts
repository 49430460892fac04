/** The colours of the house against WCAG 2.2 AA: computed from tokens.css, in light and in dark. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync("styles/tokens.css", "utf8");
const pairs = new Map([...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [name, { light, dark }]));

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

function contrast(a: string, b: string, mode: "light" | "dark"): number {
  const [x, y] = [a, b].map((name) => luminance(pairs.get(name)?.[mode] ?? ""));
  const [high, low] = [Math.max(x ?? 0, y ?? 0), Math.min(x ?? 0, y ?? 0)];
  return (high + 0.05) / (low + 0.05);
}

const grounds = ["paper", "case", "plate", "sunk"];
const texts = ["ink", "ink-2", "accent", "accent-strong", "wrong", "warn"];
const rows: [string, string, number][] = [
  ...texts.flatMap((text) => grounds.map((ground): [string, string, number] => [text, ground, 4.5])),
  ["on-accent", "accent", 4.5],
  ["on-accent", "accent-strong", 4.5],
  ["ink", "accent-soft", 4.5],
  ["accent", "accent-soft", 4.5],
  ["ink", "wrong-soft", 4.5],
  ["wrong", "wrong-soft", 4.5],
  ["warn", "warn-soft", 4.5],
  ["c1", "case", 4.5],
  ...["edge", "accent"].flatMap((edge) => grounds.map((ground): [string, string, number] => [edge, ground, 3])),
  ...[1, 2, 3, 4, 5, 6, 7].map((n): [string, string, number] => [`c${n}`, "case", 3]),
];

test.each(rows)("%s on %s has a contrast of at least %s in both themes", (text, ground, least) => {
  expect(contrast(text, ground, "light")).toBeGreaterThanOrEqual(least);
  expect(contrast(text, ground, "dark")).toBeGreaterThanOrEqual(least);
});
