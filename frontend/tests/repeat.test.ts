import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { repeat } from "../lib/repeat";

let visibility: DocumentVisibilityState = "visible";
const work = vi.fn(async () => undefined);

beforeEach(() => {
  vi.useFakeTimers();
  visibility = "visible";
  vi.spyOn(document, "visibilityState", "get").mockImplementation(() => visibility);
  work.mockClear();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function show(state: DocumentVisibilityState): void {
  visibility = state;
  document.dispatchEvent(new Event("visibilitychange"));
}

test("it looks at once, then every so often, until it is stopped", async () => {
  const stop = repeat(work, () => 1000);
  await vi.advanceTimersByTimeAsync(2500);
  expect(work).toHaveBeenCalledTimes(3);
  stop();
  await vi.advanceTimersByTimeAsync(5000);
  expect(work).toHaveBeenCalledTimes(3);
});

test("a tab in the background asks nothing, and catches up when it is seen again", async () => {
  const stop = repeat(work, () => 1000);
  await vi.advanceTimersByTimeAsync(10);
  show("hidden");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).toHaveBeenCalledTimes(1);
  show("visible");
  await vi.advanceTimersByTimeAsync(10);
  expect(work).toHaveBeenCalledTimes(2);
  stop();
});
