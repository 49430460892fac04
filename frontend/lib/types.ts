/** The objects of the library and the gallery as the API gives them. */
import type { Schema } from "./schema";

export type Kind = "corpora" | "tokenizers" | "models";

export type Artifact = {
  id: string;
  kind: "corpus" | "tokenizer" | "model";
  name: string;
  sha256: string;
  bytes: number;
  created_at: string;
  shared: boolean;
  meta: Record<string, unknown>;
  origin: Record<string, unknown>;
  in_use: number;
  url: string;
};

export type ExhibitCard = { slug: string; title: string; summary: string; needs_model: boolean; lesson: string; params: Schema };
export type Wing = { slug: string; title: string; summary: string; exhibits: ExhibitCard[] };
export type KindCard = { name: string; title: string; summary: string };
export type Catalogue = { wings: Wing[]; kinds: KindCard[] };
export type Series = Record<string, { step: number[]; value: number[] }>;

/** What `exhibits/prediction/next` answers: surprisal and entropy in bits; expectation i is what follows token i. */
export type ReadToken = { id: number; text: string; start: number; end: number; special: boolean; surprisal: number | null; rank: number | null };
export type Expectation = { entropy: number; ids: number[]; texts: string[]; probabilities: number[] };
export type NextResult = { tokens: ReadToken[]; expectations: Expectation[]; mean_surprisal: number | null; perplexity: number | null };
