/** A text with blanks, and what a masked model takes to belong there. Places are counted in characters, as the API does. */

export interface Candidate {
  id: number;
  text: string;
  probability: number;
}

export interface Blank {
  start: number;
  end: number;
  candidates: Candidate[];
  /** What stood there, where that is known. */
  answer?: string;
}

export interface Filled {
  text: string;
  filled: string;
  blanks: Blank[];
}

export type Part = { text: string; blank: null } | { text: string; blank: number };

/** What stands in a text where a word is missing. */
export const BLANK = "[MASK]";

/** Put a blank in place of what is selected in a text box, and the caret behind it; returns what the box then holds. */
export function withBlank(area: HTMLTextAreaElement): string {
  area.setRangeText(BLANK, area.selectionStart, area.selectionEnd, "end");
  area.focus();
  return area.value;
}

/** What stands before the first blank, for a model that reads from the left and writes on: it cannot know what comes after. */
export function beforeBlank(text: string): string {
  const at = text.indexOf(BLANK);
  return at < 0 ? text : text.slice(0, at).trimEnd();
}

/** A piece that goes on the word before it, as vocabularies write it. */
const INSIDE = "##";

/** The text cut at its blanks; in place of each blank its likeliest word. */
export function parts(text: string, blanks: readonly Blank[]): Part[] {
  const letters = Array.from(text);
  const found: Part[] = [];
  let at = 0;
  blanks.forEach((blank, index) => {
    if (blank.start > at) found.push({ text: letters.slice(at, blank.start).join(""), blank: null });
    found.push({ text: wordOf(blank.candidates[0]?.text ?? ""), blank: index });
    at = blank.end;
  });
  if (at < letters.length) found.push({ text: letters.slice(at).join(""), blank: null });
  return found;
}

/** A candidate as it is read: a piece inside a word with a dash before it. */
export function wordOf(text: string): string {
  return text.startsWith(INSIDE) ? `-${text.slice(INSIDE.length)}` : text;
}

/** The text with one blank filled by a word; a piece of a word joins the one before it. */
export function withWord(text: string, blank: Blank, word: string): string {
  const letters = Array.from(text);
  const before = letters.slice(0, blank.start).join("");
  const after = letters.slice(blank.end).join("");
  return word.startsWith(INSIDE) ? before.trimEnd() + word.slice(INSIDE.length) + after : before + word + after;
}

/** Blanks as an event of a run has them; null where it is no sample of a masked model. */
export function blanksOf(value: unknown): Blank[] | null {
  return Array.isArray(value) ? (value as Blank[]) : null;
}
