/** What a file in `exhibits/` offers the frame around it, and how a lesson is set in plates. */
import type { Component } from "svelte";
import { t } from "./i18n";
import type { Row } from "./table";

export type ExhibitProps = { result: unknown; values: Record<string, unknown>; set: (values: Record<string, unknown>) => void };

export type ExhibitModule = {
  /** Draws the result. An `<svg data-picture>` in it is what "Picture" saves. */
  default: Component<ExhibitProps>;
  /** The result as rows, for CSV. */
  table?: (result: unknown) => Row[];
};

export type Plate = { title: string; text: string };

/** Paragraphs of a lesson as plates: a leading question is the title; one without is what to notice. */
export function plates(lesson: string): Plate[] {
  return lesson.split(/\n\s*\n/).map((part) => part.trim()).filter(Boolean).map((part) => {
    const [, question, rest] = /^([^.。!！?？]{2,80}[?？])\s*([\s\S]+)$/.exec(part) ?? [];
    return question && rest ? { title: question, text: rest } : { title: t("What to notice"), text: part };
  });
}

/** The field that holds the text to look at: the first long string, if there is one. */
export function isLong(field: { type: string; maxLength: number | undefined; options: unknown }): boolean {
  return field.type === "string" && field.options === null && (field.maxLength ?? 0) >= 200;
}
