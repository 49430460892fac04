import { beforeEach, expect, test, vi } from "vitest";

type I18n = typeof import("../lib/i18n");

async function open(language: string, catalogue?: Record<string, string>): Promise<I18n> {
  document.documentElement.lang = language;
  document.body.innerHTML = catalogue ? `<script type="application/json" id="catalogue">${JSON.stringify(catalogue)}</script>` : "";
  return import("../lib/i18n");
}

beforeEach(() => vi.resetModules());

test("English is the source and needs no catalogue", async () => {
  const { t, tn, language } = await open("en");
  expect(language).toBe("en");
  expect(t("{a} of {b}", { a: 1, b: "two" })).toBe("1 of two");
  expect(tn("{n} run", "{n} runs", { n: 1 })).toBe("1 run");
  expect(tn("{n} run", "{n} runs", { n: 0 })).toBe("0 runs");
});

test("a translation takes the same values, in its own order; what is missing stays English", async () => {
  const { t, tn } = await open("zh-hans", { "{a} of {b}": "{b} 之中的 {a}", "{n} runs": "{n} 个训练任务", empty: "" });
  expect(t("{a} of {b}", { a: 1, b: 2 })).toBe("2 之中的 1");
  expect(tn("{n} run", "{n} runs", { n: 1 })).toBe("1 个训练任务");
  expect(t("not there")).toBe("not there");
  expect(t("empty")).toBe("empty");
});

test("values are put in once, as they are: braces in a name stay", async () => {
  const { t } = await open("en");
  expect(t("“{name}” deleted", { name: "{name} $& <b>" })).toBe("“{name} $& <b>” deleted");
  expect(t("{unknown} place")).toBe("{unknown} place");
});
