/** A field that takes several values: each combination becomes a run of a sweep. */
import type { FieldSpec } from "./schema";

/** Fields of one sweep that may vary; more would be neither a table nor a picture. */
export const MOST_VARIED = 2;

/** Whether a field can take a list of values: lists and free texts, which may hold commas, cannot. */
export function varies(field: FieldSpec): boolean {
  return field.options !== null || ["integer", "number", "boolean"].includes(field.type);
}

/** The text with which a field begins to vary: all choices, or its value with room for more. */
export function firstText(field: FieldSpec, value: unknown): string {
  if (field.options !== null) return field.options.join(", ");
  if (field.type === "boolean") return "true, false";
  return value === null || value === undefined ? "" : `${String(value)}, `;
}

/** The values in a text; what is no number where one belongs stays text, and the server names it. */
export function valuesOf(field: FieldSpec, text: string): unknown[] {
  const parts = text.split(/[,;，；、\s]+/).filter(Boolean);
  return parts.map((part) => {
    if (field.options !== null) return part;
    if (field.type === "boolean") return part === "true" ? true : part === "false" ? false : part;
    const number = Number(part);
    return Number.isFinite(number) ? number : part;
  });
}
