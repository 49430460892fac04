/** What of the library can be tuned, and with what. */
import { t } from "./i18n";
import type { Job } from "./jobs";
import type { RunForm } from "./runForm.svelte";
import type { Artifact } from "./types";

const MASKED = new Set(["bert", "roberta", "distilbert", "modernbert", "electra"]);

/** Whether a model continues a text, in place of filling in its blanks. */
export function canWrite({ meta }: Artifact): boolean {
  return !MASKED.has(String(meta.architecture));
}

/** Whether a model can be the base of a tuning run: it writes texts on, and is no adapter itself. */
export function canBeTuned(model: Artifact): boolean {
  return model.meta.adapter !== true && canWrite(model);
}

/** The models that write texts on, those that see the most at once first: what an exhibit shows fits into them. */
export function writers(models: Artifact[]): Artifact[] {
  return models.filter(canWrite).sort((one, other) => Number(other.meta.context) - Number(one.meta.context));
}

/** What the library says of a corpus of questions and answers, one a line; null for any other text. */
export function rowsOf({ meta }: Artifact): { rows: number; keys: string[] } | null {
  const found = meta.jsonl as { rows?: number; keys?: string[]; forms?: Record<string, number> } | undefined;
  return found?.rows && Object.keys(found.forms ?? {}).length > 0 ? { rows: found.rows, keys: found.keys ?? [] } : null;
}

export function hasRows(corpus: Artifact): boolean {
  return rowsOf(corpus) !== null;
}

/** Whether a run teaches a model to answer: its prompts are then instructions, which a template writes out. */
export function answersInstructions({ params }: Pick<Job, "params">): boolean {
  return params.template !== undefined;
}

/** Whether a run teaches a model to fill in blanks, in place of writing on. */
export function fillsIn({ params }: Pick<Job, "params">): boolean {
  return params.mask_share !== undefined;
}

/** The text that a form begins with: rows of questions and answers where it reads those, else the newest plain text. */
export function usualText(corpora: readonly Artifact[], rows: boolean): Artifact | undefined {
  return corpora.find((corpus) => hasRows(corpus) === rows) ?? (rows ? undefined : corpora[0]);
}

/** The base that a form begins with: of those that have not been taught to answer yet, the newest that sees the most at once, since examples must fit. */
export function usualBase(models: readonly Artifact[]): Artifact | undefined {
  const raw = models.filter(({ meta }) => meta.instruct !== true);
  const room = ({ meta }: Artifact): number => Number(meta.context ?? 0);
  return [...raw].sort((one, other) => room(other) - room(one))[0] ?? models[0];
}

/** What a form still needs before anything can be said of its run; empty where nothing is missing. */
export function lackingWords(form: Pick<RunForm, "lacking" | "field">): string {
  const [text, base] = ["corpus", "model"].map((name) => form.lacking.includes(name));
  const rows = form.field("template") !== undefined;
  if (text && base) return t("Give it instructions to learn and a model to tune: then this shows what they come to.");
  if (text) return rows ? t("Give it instructions to learn: then this shows what they come to.") : t("Give it a text to learn: then this shows what it comes to.");
  return base ? t("Give it a model to tune: then this shows what it comes to.") : "";
}

/** A title inside a sentence: "Language model" becomes "language model", names such as "LoRA adapter" stay. */
export function inSentence(title: string): string {
  return title.replace(/^\p{Lu}(?=\p{Ll}{2})/u, (letter) => letter.toLowerCase());
}
