/**
 * Deleting with second thoughts: the thing leaves the page at once, the server hears of it when the time for Undo is
 * over. Who closes the page meanwhile meant it: then it is sent at once.
 */
import { t } from "./i18n";
import { dismiss, toast } from "./toasts.svelte";

const GRACE_MS = 7000;

type Deletion = {
  /** What the message says, in full: "“Shakespeare” deleted" */
  message: string;
  /** Deletes on the server; `keepalive` outlives the page. */
  send: (keepalive: boolean) => Promise<void>;
  /** Puts it back on the page: after Undo, and when the server refused. */
  restore: () => void;
  /** Hears why the server refused. */
  refused: (error: unknown) => void;
};

/** Starts a deletion whose removal from the page has already happened. */
export function deleteLater({ message, send, restore, refused }: Deletion): void {
  let settled = false;

  async function commit(keepalive: boolean): Promise<void> {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    removeEventListener("pagehide", leave);
    dismiss(shown);
    try {
      await send(keepalive);
    } catch (error) {
      restore();
      refused(error);
    }
  }

  const leave = (): void => void commit(true);
  const timer = setTimeout(() => void commit(false), GRACE_MS);
  const undo = (): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    removeEventListener("pagehide", leave);
    restore();
  };
  addEventListener("pagehide", leave);
  const shown = toast(message, { label: t("Undo"), run: undo }, GRACE_MS);
}
