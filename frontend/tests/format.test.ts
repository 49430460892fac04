import { expect, test } from "vitest";
import { ago, bytes, compact, count, decimal, duration, percent } from "../lib/format";

test("counts and decimals", () => {
  expect(count(1115394)).toBe("1,115,394");
  expect(decimal(4.5)).toBe("4.50");
  expect(decimal(4.5678, 3)).toBe("4.568");
});

test("large numbers are short", () => {
  expect(compact(1069312)).toBe("1.07 M");
  expect(compact(999)).toBe("999");
  expect(compact(124_400_000)).toBe("124 M");
  expect(compact(3.2e12)).toBe("3.2 T");
});

test("bytes in powers of 1024", () => {
  expect(bytes(1)).toBe("1 byte");
  expect(bytes(1023)).toBe("1023 bytes");
  expect(bytes(1115394)).toBe("1.06 MiB");
  expect(bytes(2 ** 40)).toBe("1 TiB");
});

test("a small share is not nothing and a large one not all", () => {
  expect(percent(0)).toBe("0.0 %");
  expect(percent(0.0004)).toBe("< 0.1 %");
  expect(percent(0.1234)).toBe("12.3 %");
  expect(percent(1)).toBe("100 %");
});

test("durations in two units at most", () => {
  expect(duration(22.4)).toBe("22 s");
  expect(duration(125)).toBe("2 min 5 s");
  expect(duration(1900)).toBe("32 min");
  expect(duration(4000)).toBe("1 h 7 min");
  expect(duration(86400 * 3)).toBe("3 days");
  expect(duration(-4)).toBe("0 s");
});

test("moments as distances", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  expect(ago("2026-01-01T23:59:40Z", now)).toBe("just now");
  expect(ago("2026-01-01T23:50:00Z", now)).toBe("10 minutes ago");
  expect(ago("2025-12-31T00:00:00Z", now)).toBe("2 days ago");
});
