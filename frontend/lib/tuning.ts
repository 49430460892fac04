/** What of the library can be tuned, and with what. */
import type { Artifact } from "./types";

const MASKED = new Set(["bert", "roberta", "distilbert", "modernbert", "electra"]);

/** Whether a model can be the base of a tuning run: it writes texts on, and is no adapter itself. */
export function canBeTuned({ meta }: Artifact): boolean {
  return meta.adapter !== true && !MASKED.has(String(meta.architecture));
}

/** The models that write texts on, those that see the most at once first: what an exhibit shows fits into them. */
export function writers(models: Artifact[]): Artifact[] {
  return models.filter(({ meta }) => !MASKED.has(String(meta.architecture))).sort((one, other) => Number(other.meta.context) - Number(one.meta.context));
}

/** What the library says of a corpus of questions and answers, one a line; null for any other text. */
export function rowsOf({ meta }: Artifact): { rows: number; keys: string[] } | null {
  const found = meta.jsonl as { rows?: number; keys?: string[]; forms?: Record<string, number> } | undefined;
  return found?.rows && Object.keys(found.forms ?? {}).length > 0 ? { rows: found.rows, keys: found.keys ?? [] } : null;
}

export function hasRows(corpus: Artifact): boolean {
  return rowsOf(corpus) !== null;
}

/** A title inside a sentence: "Language model" becomes "language model", names such as "LoRA adapter" stay. */
export function inSentence(title: string): string {
  return title.replace(/^\p{Lu}(?=\p{Ll}{2})/u, (letter) => letter.toLowerCase());
}
