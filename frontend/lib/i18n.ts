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

/** Characters that a message must have beside its places to be recognised: “{a} of {b}” could be anything. */
const TELLING = 12;
/** Places that hold a phrase of ours, which is translated as well; all others hold names and numbers. */
const NESTED = new Set(["reason", "advice", "what"]);
const PLACE = /\{([A-Za-z_]\w*)\}/g;
const HAN = /\p{Script=Han}/u;

type Pattern = { said: number; shape: RegExp; translation: string };
let patterns: Pattern[] | null = null;

/** The language of the page, as a BCP 47 tag: "en" or "zh-hans". */
export const language: string = document.documentElement.lang || "en";

/** `text` in the reader's language, with each `{name}` replaced by `values.name`. */
export function t(text: string, values: Values = {}): string {
  const translated = catalogue[text] || text;
  return filled(translated, (name) => (values[name] === undefined ? undefined : String(values[name])));
}

/**
 * A message with its places filled. Between Chinese and Latin letters or digits stands a space; a message leaves it out
 * beside a place that may take either, as in 训练一个{kind}, so that it is put in here where it is needed.
 */
function filled(message: string, value: (name: string) => string | undefined): string {
  return message.replace(PLACE, (whole, name: string, at: number) => {
    const said = value(name) ?? whole;
    const [before, after] = [message.charAt(at - 1), message.charAt(at + whole.length)];
    return `${HAN.test(before) && /^[A-Za-z0-9]/.test(said) ? " " : ""}${said}${HAN.test(after) && /[A-Za-z0-9%]$/.test(said) ? " " : ""}`;
  });
}

/** Like `t`, choosing between the English singular and plural by `values.n`; the plural is the catalogue's key. */
export function tn(one: string, other: string, values: Values & { n: number }, shown = String(values.n)): string {
  const text = catalogue[other] ? other : new Intl.PluralRules("en").select(values.n) === "one" ? one : other;
  return t(text, { ...values, n: shown });
}

/**
 * A finished English sentence, as the engine says it, in the reader's language: the catalogue's message with places that
 * fits it is found again, as the server does for refusals, and its places are filled from the sentence.
 */
export function sentence(text: string): string {
  if (catalogue[text]) return catalogue[text];
  patterns ??= readPatterns();
  for (const { shape, translation } of patterns) {
    const places = shape.exec(text)?.groups;
    if (places) return filled(translation, (name) => (NESTED.has(name) && places[name] !== undefined ? sentence(places[name]) : places[name]));
  }
  return text;
}

/** The messages with places in them, the most telling first. */
function readPatterns(): Pattern[] {
  const found: Pattern[] = [];
  for (const [text, translation] of Object.entries(catalogue)) {
    const names = [...text.matchAll(PLACE)].map(([, name]) => name);
    const said = text.replace(PLACE, "").length;
    if (names.length === 0 || new Set(names).size < names.length || said < TELLING || translation === "") continue;
    const shape = text.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(PLACE, "(?<$1>.+?)");
    found.push({ said, shape: new RegExp(`^${shape}$`, "s"), translation });
  }
  return found.sort((a, b) => b.said - a.said);
}
