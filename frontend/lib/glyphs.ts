/** Text as it can be seen: what would be invisible, or would disturb its neighbours, is written as a sign. */

const NAMES: Record<number, string> = {
  0x7f: "DEL", 0x00ad: "SHY", 0x200b: "ZWSP", 0x200c: "ZWNJ", 0x200d: "ZWJ", 0x200e: "LRM", 0x200f: "RLM", 0x202a: "LRE", 0x202b: "RLE",
  0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO", 0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI",
  0xfe0e: "VS15", 0xfe0f: "VS16", 0xfeff: "BOM", 0x2028: "LS", 0x2029: "PS",
};
// Unicode has signs for these, which many fonts lack.
const CONTROLS = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");
const HIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff]/gu;
const ALONE = /^\p{M}/u;

function named(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (character === "\t") return "⇥\t";
  if (point < 0x20) return `‹${CONTROLS[point] ?? ""}›`;
  return `‹${NAMES[point] ?? point.toString(16).toUpperCase().padStart(4, "0")}›`;
}

/** `spaces`: spaces and line breaks are written too. A mark without its letter stands on a dotted circle. */
export function glyphs(text: string, spaces: boolean): string {
  let shown = text.replace(HIDDEN, named);
  if (!spaces) shown = shown.replaceAll("⇥\t", "\t");
  if (ALONE.test(shown)) shown = `◌${shown}`;
  return spaces ? shown.replaceAll(" ", "·").replaceAll("\u00a0", "⍽").replaceAll("\u3000", "□").replaceAll("\n", "↵\n") : shown;
}

/** The direction of a text's first letter, as `dir="auto"` finds it; a browser looks for it anew at every key. */
export function direction(text: string): "ltr" | "rtl" {
  const letter = /\p{L}/u.exec(text)?.[0] ?? "";
  return /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(letter) ? "rtl" : "ltr";
}

/** Bytes in hexadecimal, two digits each, parted by spaces. */
export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
}

/** Whether a piece that is no text is written by its bytes. */
export function hexadecimal(piece: string): boolean {
  return /^[0-9A-F]{2}( [0-9A-F]{2})+$/.test(piece);
}

const HALF = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Where half a surrogate pair stands: no text that UTF-8 could hold. */
export function halves(text: string): number[] {
  return [...text.matchAll(HALF)].map(({ index }) => index);
}

/** The text with the replacement character for every half, as a UTF-8 encoder writes it. */
export function whole(text: string): string {
  return text.replace(HALF, "\ufffd");
}
