/**
 * The words of the page in the reader's language. The page carries the gettext catalogue that Django uses as JSON in
 * `<script id="catalogue">`: English text -> translation, empty for English.
 */
type Values = Record<string, string | number>;

function readCatalogue(): Record<string, string> {
  const text = document.getElementById("catalogue")?.textContent;
  return text ? (JSON.parse(text) as Record<string, string>) : {};
}

const catalogue = readCatalogue();

/** The language of the page, as a BCP 47 tag: "en" or "zh-hans". */
export const language: string = document.documentElement.lang || "en";

/** `text` in the reader's language, with each `{name}` replaced by `values.name`. */
export function t(text: string, values: Values = {}): string {
  const translated = catalogue[text] || text;
  return translated.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Like `t`, choosing between the English singular and plural by `values.n`; the plural is the catalogue's key. */
export function tn(one: string, other: string, values: Values & { n: number }, shown = String(values.n)): string {
  const text = catalogue[other] ? other : new Intl.PluralRules("en").select(values.n) === "one" ? one : other;
  return t(text, { ...values, n: shown });
}
