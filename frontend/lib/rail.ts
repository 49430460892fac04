/**
 * Keeps the number of live runs in the rail true. It asks seldom, only while the page is looked at, and at once when a
 * page says that something changed (`runsChanged()`).
 */
import { api } from "./api";
import { tn } from "./i18n";

const EVERY_MS = 15_000;
const CHANGED = "vitrine:runs";

/** Tells the rail that a run was started, stopped or ended. */
export function runsChanged(): void {
  window.dispatchEvent(new Event(CHANGED));
}

export function startRail(): void {
  const place = document.querySelector<HTMLElement>("[data-live]");
  if (place === null) return;
  const show = (n: number): void => {
    place.textContent = n > 0 ? tn("{n} live", "{n} live", { n }) : "";
    place.closest("a")?.classList.toggle("live", n > 0);
  };
  const ask = async (): Promise<void> => {
    if (document.visibilityState !== "visible") return;
    try {
      const { running, waiting } = await api.get<{ running: unknown[]; waiting: { job: unknown }[] }>("queue");
      show(running.length + waiting.filter(({ job }) => job !== null).length); // of others only their place is told
    } catch {
      // The rail stays as it was; the page itself says that the server is away.
    }
  };
  show(Number(place.dataset.live));
  window.addEventListener(CHANGED, () => void ask());
  document.addEventListener("visibilitychange", () => void ask());
  setInterval(() => void ask(), EVERY_MS);
}
