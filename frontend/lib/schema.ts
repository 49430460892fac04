/**
 * The form of a job kind, read from the JSON schema of its parameters: which fields there are, in which group, what each
 * may hold. A new kind needs no line here.
 */
import { count } from "./format";
import { t } from "./i18n";

export interface Property {
  title?: string;
  description?: string;
  default?: unknown;
  group?: string;
  unit?: string;
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Property[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  maxLength?: number;
}

export interface Schema {
  properties: Record<string, Property>;
  required?: string[];
}

export interface FieldSpec {
  name: string;
  title: string;
  description: string;
  group: string;
  unit: string;
  /** Lists and objects have no field in a form: a picture draws its own. */
  type: "integer" | "number" | "string" | "boolean" | "array" | "object";
  options: string[] | null;
  nullable: boolean;
  initial: unknown;
  min: number | undefined;
  max: number | undefined;
  maxLength: number | undefined;
  /** Whether a run cannot be without it. */
  required: boolean;
}

export interface Preset {
  n_layer: number;
  n_head: number;
  d_model: number;
  parameters: number;
}

export interface Kind {
  name: string;
  title: string;
  summary: string;
  params: Schema;
  presets: Record<string, Preset>;
}

export function fieldsOf(schema: Schema): FieldSpec[] {
  return Object.entries(schema.properties).map(([name, property]) => ({ ...field(name, property), required: schema.required?.includes(name) ?? false }));
}

function field(name: string, property: Property): Omit<FieldSpec, "required"> {
  const variants = property.anyOf ?? [property];
  const main = variants.find((variant) => variant.type !== "null") ?? property;
  const options = main.enum ?? (main.const === undefined ? null : [main.const]);
  return {
    name,
    title: property.title ?? name,
    description: property.description ?? "",
    group: property.group ?? "",
    unit: property.unit ?? "",
    type: (main.type as FieldSpec["type"] | undefined) ?? "string",
    options: options?.map(String) ?? null,
    nullable: variants.some((variant) => variant.type === "null"),
    initial: property.default ?? null,
    min: main.minimum ?? main.exclusiveMinimum,
    max: main.maximum ?? main.exclusiveMaximum,
    maxLength: main.maxLength,
  };
}

export interface Group {
  name: string;
  fields: FieldSpec[];
}

const ORDER = ["data", "model", "budget", "optimizer", "evaluation"];

/** Fields by group: the known groups in the order in which one thinks of them, then any others. */
export function groupsOf(fields: FieldSpec[]): Group[] {
  const found = new Set(fields.map((spec) => spec.group));
  const names = [...ORDER.filter((name) => found.has(name)), ...[...found].filter((name) => !ORDER.includes(name))];
  return names.map((name) => ({ name, fields: fields.filter((spec) => spec.group === name) }));
}

export function groupTitle(group: string): string {
  const titles: Record<string, string> = {
    data: t("Text"),
    model: t("Model"),
    budget: t("Budget"),
    optimizer: t("Optimizer"),
    evaluation: t("Evaluation"),
    probes: t("Watch it learn"),
  };
  return titles[group] ?? group;
}

/** A unit as it stands behind a number. */
export function unitWord(unit: string): string {
  const units: Record<string, string> = { tokens: t("tokens"), steps: t("steps"), min: t("minutes") };
  return units[unit] ?? unit;
}

/** A choice of a field in words; names (bf16, GPT-2) stay as they are. */
export function optionWord(option: string): string {
  const words: Record<string, string> = {
    llama: "Llama", gpt2: "GPT-2", bpe: "BPE", wordpiece: "WordPiece", unigram: "Unigram", auto: t("automatic"), characters: t("characters"), bytes: t("bytes"), drop: t("part words"),
    lead: t("belong to the next word"), left: t("left"), right: t("right"), mean: t("the mean of its pieces"), random: t("random numbers"), zero: t("zeros"), alpaca: "Alpaca", chatml: "ChatML", plain: t("plain"), none: t("as it is"), nf4: "NF4", "all-linear": t("All linear layers"),
  };
  return words[option] ?? (/^\d+[km]$/.test(option) ? option.toUpperCase().replace("K", "k") : option);
}

/** A value of a run as text; null where nothing was chosen. */
export function shownValue(value: unknown, unit: string): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (Array.isArray(value)) return value.length > 0 ? value.map(String).join(" · ") : null;
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  if (typeof value !== "number") return optionWord(String(value));
  const number = Number.isInteger(value) && value >= 10_000 ? count(value) : String(value);
  return unit ? `${number} ${unitWord(unit)}` : number;
}
