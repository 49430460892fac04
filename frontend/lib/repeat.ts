/** Repeats a look at the server for as long as somebody looks at the page: a tab in the background asks nothing. */

/** Calls `work` now and then every `wait()` ms after it has ended, while the page is visible; returns the way to stop. */
export function repeat(work: () => Promise<void>, wait: () => number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let running = false;

  async function turn(): Promise<void> {
    clearTimeout(timer);
    if (stopped || running || document.visibilityState !== "visible") return;
    running = true;
    try {
      await work();
    } finally {
      running = false;
      if (!stopped) timer = setTimeout(() => void turn(), wait());
    }
  }

  const seen = (): void => void turn();
  document.addEventListener("visibilitychange", seen);
  void turn();
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
}
