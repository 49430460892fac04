/** The scripts that a text is written in: their names, and a colour that each keeps on every page. */
import { t } from "./i18n";

const COLOURS: Record<string, string> = {
  latin: "var(--c1)", han: "var(--c2)", hangul: "var(--c3)", kana: "var(--c4)", greek: "var(--c5)", cyrillic: "var(--c6)", arabic: "var(--c7)",
};

export function scriptName(script: string): string {
  const names: Record<string, string> = {
    latin: t("Latin"), han: t("Chinese"), kana: t("Kana"), hangul: t("Hangul"), cyrillic: t("Cyrillic"), greek: t("Greek"),
    arabic: t("Arabic"), hebrew: t("Hebrew"), devanagari: t("Devanagari"), bengali: t("Bengali"), tamil: t("Tamil"), thai: t("Thai"),
    armenian: t("Armenian"), georgian: t("Georgian"), ethiopic: t("Ethiopic"), bopomofo: t("Bopomofo"), other: t("Other scripts"),
  };
  return names[script] ?? script;
}

export function scriptColour(script: string): string {
  return COLOURS[script] ?? "var(--ink-3)";
}
