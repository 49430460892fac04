/** Tokens as people can see them. */

/** A token's text with its white space made visible, so that " the" and "the" differ on the page. */
export function visible(text: string): string {
  if (text === "") return "∅";
  return text.replace(/^ | $/g, "·").replace(/\n/g, "↵").replace(/\t/g, "⇥");
}

/** The colour of the i-th token in a row: neighbours always differ. */
export function tokenColour(i: number): string {
  return `var(--c${(i % 4) + 1})`;
}
