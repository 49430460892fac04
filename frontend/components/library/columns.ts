/** What the library's table says about each sort of artifact. */
import { bytes, compact, count, decimal } from "../../lib/format";
import { t } from "../../lib/i18n";
import type { Artifact, Kind } from "../../lib/types";

export type Column = { title: string; number: boolean; text: (artifact: Artifact) => string };

function fact(artifact: Artifact, key: string): number | string | null {
  const value = artifact.meta[key];
  return typeof value === "number" || typeof value === "string" ? value : null;
}

function number(artifact: Artifact, key: string, write: (value: number) => string): string {
  const value = fact(artifact, key);
  return typeof value === "number" ? write(value) : "";
}

const size = (): Column => ({ title: t("Size"), number: true, text: (artifact) => bytes(artifact.bytes) });

const shape = (artifact: Artifact): string =>
  [number(artifact, "layers", (n) => t("{n} layers", { n })), number(artifact, "width", (n) => t("{n} wide", { n })), number(artifact, "heads", (n) => t("{n} heads", { n }))].filter(Boolean).join(", ");

/** How a tokenizer finds its pieces, by the name that the API gives it. */
const methods = (): Record<string, string> => ({
  bpe: "BPE", wordpiece: "WordPiece", unigram: "Unigram", word: t("words"), character: t("characters"), byte: t("bytes"),
});

const columns: Record<Kind, () => Column[]> = {
  corpora: () => [
    { title: t("Characters"), number: true, text: (artifact) => number(artifact, "characters", count) },
    { title: t("Lines"), number: true, text: (artifact) => number(artifact, "lines", count) },
    size(),
  ],
  tokenizers: () => [
    { title: t("Vocabulary"), number: true, text: (artifact) => number(artifact, "vocab_size", count) },
    { title: t("How it cuts"), number: false, text: (artifact) => methods()[String(fact(artifact, "algorithm"))] ?? "" },
    size(),
  ],
  models: () => [
    { title: t("Parameters"), number: true, text: (artifact) => number(artifact, "parameters", compact) },
    { title: t("Shape"), number: false, text: shape },
    { title: t("Held-out loss"), number: true, text: (artifact) => number(artifact, "val_loss", (value) => decimal(value, 3)) },
    size(),
  ],
};

export function columnsOf(kind: Kind): Column[] {
  return columns[kind]();
}
