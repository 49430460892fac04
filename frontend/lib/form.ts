/** The values of a form: from the address, into the address, into a request. Only what differs from the defaults counts. */
import type { FieldSpec } from "./schema";

export type Values = Record<string, unknown>;

/** How an empty choice is written in an address, where "" would mean that nothing is said. */
const NONE = "none";

/** Characters of one value in an address; servers take some 8,000 for all of it. */
const LONGEST = 2_000;

const BUDGETS = ["steps", "minutes", "tokens"] as const;
export type Budget = (typeof BUDGETS)[number];

export function defaults(fields: FieldSpec[]): Values {
  return Object.fromEntries(fields.map((field) => [field.name, field.initial]));
}

/** The defaults with what the address says; what it says in a wrong form is left to the default. */
export function fromQuery(fields: FieldSpec[], query: URLSearchParams): Values {
  const values = defaults(fields);
  for (const field of fields) {
    const raw = query.get(field.name);
    const value = raw === null ? undefined : parse(field, raw);
    if (value !== undefined) values[field.name] = value;
  }
  return settle(values);
}

function parse(field: FieldSpec, raw: string): unknown {
  if (raw === NONE && field.nullable) return null;
  if (field.options !== null) return field.options.includes(raw) ? raw : undefined;
  if (field.type === "boolean") return raw === "true" ? true : raw === "false" ? false : undefined;
  if (field.type === "string") return raw;
  if (field.type === "array" || field.type === "object") return readJson(raw);
  const number = Number(raw);
  return raw.trim() !== "" && Number.isFinite(number) ? number : undefined;
}

function readJson(raw: string): unknown {
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    return undefined;
  }
}

/** What goes into the address: the values that are not the default; null takes one out. */
export function toQuery(fields: FieldSpec[], values: Values): Record<string, string | null> {
  return Object.fromEntries(
    fields.map((field) => {
      const value = values[field.name] ?? null;
      const written = value === null ? NONE : typeof value === "object" ? JSON.stringify(value) : String(value);
      const initial = typeof value === "object" ? JSON.stringify(field.initial) : String(field.initial);
      // What is too long for an address is left out: a link then leads to the default.
      if (value === field.initial || written === initial || written.length > LONGEST) return [field.name, null];
      return [field.name, written];
    }),
  );
}

/** What is sent: the same values as JSON. An empty field that may be empty is sent where its default is not. */
export function toParams(fields: FieldSpec[], values: Values): Values {
  const changed = fields.filter((field) => (values[field.name] ?? null) !== field.initial);
  return Object.fromEntries(changed.map((field) => [field.name, values[field.name] ?? null]));
}

/** The parameters of an earlier run as the address of a form filled in with them. */
export function formAddress(kind: string, params: Values): string {
  const query = new URLSearchParams({ kind });
  for (const [name, value] of Object.entries(params)) query.set(name, value === null ? NONE : typeof value === "object" ? JSON.stringify(value) : String(value));
  return `/train/?${query.toString()}`;
}

/** Which budget holds: the one that is given. */
export function budgetOf(values: Values): Budget {
  return BUDGETS.find((name) => (values[name] ?? null) !== null) ?? "steps";
}

/** Values in which exactly one budget is given: another one that is said takes the place of the default. */
function settle(values: Values): Values {
  if (!("steps" in values)) return values;
  const given = BUDGETS.filter((name) => (values[name] ?? null) !== null);
  const kept = given.length > 1 ? given.at(-1) : given[0];
  return { ...values, ...Object.fromEntries(BUDGETS.map((name) => [name, name === kept ? values[name] : null])) };
}
