/** Every sentence of the pages has its Chinese: what `t`, `tn` and `{% translate %}` say is looked up in the catalogue. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const PO = "../locale/zh_Hans/LC_MESSAGES";
const unquote = (text: string): string => JSON.parse(`"${text.replaceAll("\\'", "'")}"`) as string;

function files(folder: string, endings: string[]): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (["node_modules", "dist", "tests"].includes(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path, endings) : endings.some((ending) => path.endsWith(ending)) && !path.endsWith(".test.ts") ? [path] : [];
  });
}

function said(path: string): string[] {
  const text = readFileSync(path, "utf8");
  const patterns = path.endsWith(".html")
    ? [/\{%\s*translate\s+"([^"]+)"/g, /\{%\s*translate\s+'([^']+)'/g]
    : [/\bt\(\s*"((?:[^"\\]|\\.)+)"/g, /\btn\(\s*"(?:[^"\\]|\\.)+",\s*"((?:[^"\\]|\\.)+)"/g];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, words]) => unquote(words ?? "")));
}

type Entry = { id: string; plural: string; text: string };

/** The entries of a .po file; long texts may go over several lines, and Chinese has one form for every number. */
function entries(path: string): Entry[] {
  const joined = readFileSync(path, "utf8").replace(/"\n"/g, "");
  const found = joined.matchAll(/^msgid "((?:[^"\\]|\\.)*)"\n(?:msgid_plural "((?:[^"\\]|\\.)*)"\n)?msgstr(?:\[0\])? "((?:[^"\\]|\\.)*)"/gm);
  return [...found].map(([, id, plural, text]) => ({ id: unquote(id ?? ""), plural: unquote(plural ?? ""), text: unquote(text ?? "") })).filter(({ id }) => id);
}

const messages = readdirSync(PO).filter((name) => name.endsWith(".po")).flatMap((name) => entries(join(PO, name)));
const catalogue = new Map(messages.flatMap(({ id, plural, text }) => [[id, text], [plural, text]]));
const sources = [...files(".", [".ts", ".svelte"]), ...files("../templates", [".html"])];

test("there are sentences and translations to compare", () => {
  expect(sources.length).toBeGreaterThan(20);
  expect(catalogue.size).toBeGreaterThan(100);
});

test.each(sources)("%s speaks Chinese", (path) => {
  expect(said(path).filter((words) => !catalogue.get(words))).toEqual([]);
});

test("a translation names the same places as its English", () => {
  const places = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].sort();
  const wrong = messages.filter(({ id, plural, text }) => text && places(text).join() !== places(plural || id).join()).map(({ id }) => id);
  expect(wrong).toEqual([]);
});
