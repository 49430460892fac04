/** Tokens as people can see them. */
import { t } from "./i18n";

/** A token's text with its white space made visible, so that " the" and "the" differ; a part of a character has none. */
export function visible(text: string): string {
  if (text === "") return `‹${t("part of a character")}›`;
  return text.replace(/^ | $/g, "·").replace(/\n/g, "↵").replace(/\t/g, "⇥");
}

/** A name of any script between marks that keep its direction from turning the sentence around it. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

/** The colour of the i-th token in a row: neighbours always differ. */
export function tokenColour(i: number): string {
  return `var(--c${(i % 4) + 1})`;
}

/** Tokens that are drawn as one: most stand alone, but several may make up one character. */
export type Group<T> = { text: string; first: number; tokens: T[] };

/** The tokens in groups: those without a text of their own belong to the next one that completes the character. */
export function groups<T extends { text: string }>(tokens: T[]): Group<T>[] {
  const found: Group<T>[] = [];
  let open: Group<T> | null = null;
  tokens.forEach((token, i) => {
    open ??= { text: "", first: i, tokens: [] };
    open.tokens.push(token);
    open.text += token.text;
    if (token.text === "" && i < tokens.length - 1) return;
    found.push(open);
    open = null;
  });
  return found;
}

/** The name of the i-th token: its text, or which part it is of the character that it helps to make. */
export function nameOf(tokens: { text: string }[], i: number): string {
  const group = groups(tokens).find(({ first, tokens: { length } }) => i >= first && i < first + length);
  if (group === undefined || group.tokens.length === 1) return visible(tokens[i]?.text ?? "");
  return `${visible(group.text)} ${i - group.first + 1}/${group.tokens.length}`;
}
