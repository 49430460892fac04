/** The objects of the API by the names that the pages use; their shapes are generated from its OpenAPI document. */
import type { components } from "./api.generated";
import type { Schema } from "./schema";

type Shapes = components["schemas"];

/** The library's three nouns, as they stand in addresses. */
export type Kind = "corpora" | "tokenizers" | "models";
export type Artifact = Shapes["Artifact"];
export type Preview = Shapes["Preview"];
export type Limits = Shapes["Limits"];
export type Series = Shapes["Metrics"]["series"];

/** The catalogue, whose JSON schemas OpenAPI can only call objects. */
export type ExhibitCard = Omit<Shapes["ExhibitEntry"], "params"> & { params: Schema };
export type Wing = Omit<Shapes["WingEntry"], "exhibits"> & { exhibits: ExhibitCard[] };
export type Catalogue = { wings: Wing[]; kinds: Shapes["KindEntry"][] };

/** What `exhibits/prediction/next` answers: surprisal and entropy in bits; expectation i is what follows token i. */
export type ReadToken = Shapes["PredictionNextPiece"];
export type Expectation = Shapes["PredictionNextExpectation"];
export type NextResult = Shapes["PredictionNextResult"];
