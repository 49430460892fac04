/** The words of the preview: what happens to a token, in short and in a sentence. */
import { t } from "./i18n";
import { glyphs } from "./glyphs";
import type { Chosen, Role, Sheet } from "./preview";

export function chosenWord(how: Chosen): string {
  return { masked: t("masked"), replaced: t("replaced"), kept: t("kept") }[how];
}

/** The letter that stands on a token that was chosen, so that nothing rests on its colour: the first of its word. */
export function letter(role: Role): string {
  return role === "masked" || role === "replaced" || role === "kept" ? ([...chosenWord(role)][0] ?? "").toUpperCase() : "";
}

/** What a mark means, for the legend. */
export function roleWord(role: Role, instructions: boolean): string {
  const words: Record<Role, string> = {
    masked: t("masked: hidden, to be filled in"),
    replaced: t("replaced: by a word drawn at random"),
    kept: t("kept: in sight, and yet to be said"),
    learned: instructions ? t("has to say the completion: learned from") : t("predicted: the loss is counted here"),
    plain: instructions ? t("prompt: read, nothing is asked") : t("read, not predicted"),
    padding: t("padding: nothing"),
  };
  return words[role];
}

/** A name as it stands within a sentence. */
export function quoted(name: string): string {
  return t("“{text}”", { text: glyphs(name, true).replaceAll("\n", "") });
}

/** What is asked of the network at a place, in a sentence. */
export function task(sheet: Sheet, row: number, at: number, instructions: boolean): string {
  const [now, wanted] = [quoted(sheet.name(row, at)), sheet.wanted(row, at)];
  const word = wanted === null ? "" : quoted(wanted);
  switch (sheet.role(row, at)) {
    case "padding":
      return t("Padding fills the row up. Nothing looks at it, and nothing is asked of it.");
    case "masked":
      return t("Hidden behind {now}; the network has to say {word}.", { now, word });
    case "replaced":
      return t("{now} stands here by chance; the network has to say {word}, which was here.", { now, word });
    case "kept":
      return t("Chosen, but left as it is: {word} is in sight, and the network has to say it all the same.", { word });
    case "learned":
      return t("After {now} the network has to say {word}.", { now, word });
    default:
      if (sheet.unknown(row, at)) return t("{now} stands for something that the vocabulary does not have: the network cannot tell it from other such things.", { now });
      return instructions ? t("{now} belongs to the prompt: it is read, and nothing is asked.", { now }) : t("{now} is read, and nothing is asked here.", { now });
  }
}
