/** What a file in `exhibits/` offers the frame around it, and how a lesson is set in plates. */
import type { Component } from "svelte";
import type { Exhibit } from "./exhibit.svelte";
import { t } from "./i18n";
import type { FieldSpec } from "./schema";
import type { Row } from "./table";

export type ExhibitProps = { result: unknown; values: Record<string, unknown>; set: (values: Record<string, unknown>) => void };

export type ExhibitModule = {
  /** Draws the result. An `<svg data-picture>` in it is what "Picture" saves. */
  default: Component<ExhibitProps>;
  /** The result as rows, for CSV. */
  table?: (result: unknown) => Row[];
  /** Parameters for which the picture draws its own controls. */
  owns?: string[];
  /** The whole case, for an exhibit that answers faster than the frame asks: it has its own controls and menu. */
  room?: Component<{ exhibit: Exhibit }>;
};

/** Whether the frame draws a control for a parameter. */
export function inForm(field: FieldSpec, shown: ExhibitModule | null): boolean {
  return !isLong(field) && field.type !== "array" && field.type !== "object" && field.name !== "tokenizer" && !shown?.owns?.includes(field.name);
}

export type Plate = { title: string; paragraphs: string[] };

/**
 * Paragraphs of a lesson as plates. A leading question is the title of its plate; a paragraph without one goes on with
 * the plate before it, except the last, which says what to notice.
 */
export function plates(lesson: string): Plate[] {
  const parts = lesson.split(/\n\s*\n/).map((part) => part.trim()).filter(Boolean);
  const found: Plate[] = [];
  parts.forEach((part, i) => {
    const [, question, rest] = /^([^.。!！?？]{2,80}[?？])\s*([\s\S]+)$/.exec(part) ?? [];
    const before = found.at(-1);
    if (question && rest) found.push({ title: question, paragraphs: [rest] });
    else if (before && i < parts.length - 1) before.paragraphs.push(part);
    else found.push({ title: t("What to notice"), paragraphs: [part] });
  });
  return found;
}

/** The field that holds the text to look at: the first long string, if there is one. */
export function isLong(field: { type: string; maxLength: number | undefined; options: unknown }): boolean {
  return field.type === "string" && field.options === null && (field.maxLength ?? 0) >= 200;
}
