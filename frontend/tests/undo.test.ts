import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Problem } from "../lib/api";
import { toasts } from "../lib/toasts.svelte";
import { deleteLater } from "../lib/undo";

const send = vi.fn<(keepalive: boolean) => Promise<void>>();
const restore = vi.fn();
const refused = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  toasts.length = 0;
  send.mockReset().mockResolvedValue();
  restore.mockReset();
  refused.mockReset();
  deleteLater({ message: "“Tang” deleted", send, restore, refused });
});
afterEach(() => vi.useRealTimers());

test("the server hears of it when the time for second thoughts is over", async () => {
  expect(toasts.at(-1)?.message).toBe("“Tang” deleted");
  expect(send).not.toHaveBeenCalled();
  await vi.runAllTimersAsync();
  expect(send).toHaveBeenCalledExactlyOnceWith(false);
  expect(restore).not.toHaveBeenCalled();
  expect(toasts).toHaveLength(0);
});

test("Undo puts it back, and the server never hears of it", async () => {
  toasts.at(-1)?.action?.run();
  await vi.runAllTimersAsync();
  expect(restore).toHaveBeenCalledOnce();
  expect(send).not.toHaveBeenCalled();
});

test("leaving the page sends it at once, and once", async () => {
  dispatchEvent(new Event("pagehide"));
  await vi.runAllTimersAsync();
  expect(send).toHaveBeenCalledExactlyOnceWith(true);
});

test("a refusal puts it back and says why", async () => {
  const reason = new Problem(409, "In use", "A run reads it.");
  send.mockRejectedValue(reason);
  await vi.runAllTimersAsync();
  expect(restore).toHaveBeenCalledOnce();
  expect(refused).toHaveBeenCalledWith(reason);
});
