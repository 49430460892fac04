/**
 * Light or dark, and the projector's larger type. Both are cookies, so that the server renders the page as it will look
 * and nothing flashes; without a cookie the system's setting holds.
 */
type Theme = "light" | "dark";

const YEAR = 365 * 24 * 3600;

function remember(name: string, value: string): void {
  const age = value ? YEAR : 0;
  document.cookie = `${name}=${value}; path=/; max-age=${age}; samesite=lax`;
}

/** What the page shows now. */
export function currentTheme(): Theme {
  const set = document.documentElement.dataset.theme;
  if (set === "light" || set === "dark") return set;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Calls `listener` when the theme changes, by the button or by the system; returns the way to stop. */
export function onTheme(listener: (theme: Theme) => void): () => void {
  const tell = (): void => listener(currentTheme());
  const media = matchMedia("(prefers-color-scheme: dark)");
  window.addEventListener("vitrine:theme", tell);
  media.addEventListener("change", tell);
  return () => {
    window.removeEventListener("vitrine:theme", tell);
    media.removeEventListener("change", tell);
  };
}

function toggleTheme(): void {
  const theme: Theme = currentTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  window.dispatchEvent(new Event("vitrine:theme"));
}

function toggleSize(): boolean {
  const root = document.documentElement;
  const large = root.dataset.size !== "large";
  if (large) root.dataset.size = "large";
  else delete root.dataset.size;
  remember("size", large ? "large" : "");
  window.dispatchEvent(new Event("resize"));
  return large;
}

/** Wires the two buttons of the rail. */
export function startTheme(): void {
  document.querySelector("[data-action=theme]")?.addEventListener("click", toggleTheme);
  const size = document.querySelector("[data-action=size]");
  size?.addEventListener("click", () => size.setAttribute("aria-pressed", String(toggleSize())));
}
