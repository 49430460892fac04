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

test("a finished sentence is found again by its other words, and keeps its numbers and names", async () => {
  const { sentence } = await open("zh-hans", {
    "Resumed after step {step}.": "已从第 {step} 步之后恢复。",
    "Resumed after step {step} (again).": "又一次从第 {step} 步之后恢复。",
    "Goes on without it: {reason}.": "不用它继续：{reason}。",
    "it is larger than {size} MiB": "大于 {size} MiB",
    "Nothing more.": "没有了。",
    "{a} of {b}": "{b} 之中的 {a}",
  });
  expect(sentence("Resumed after step 1,200.")).toBe("已从第 1,200 步之后恢复。");
  expect(sentence("Resumed after step {reason} $&.")).toBe("已从第 {reason} $& 步之后恢复。");
  expect(sentence("Resumed after step 3 (again).")).toBe("又一次从第 3 步之后恢复。");
  expect(sentence("Goes on without it: it is larger than 64 MiB.")).toBe("不用它继续：大于 64 MiB。");
  expect(sentence("Nothing more.")).toBe("没有了。");
  expect(sentence("1 of 2")).toBe("1 of 2");
  expect((await open("en").then(({ sentence }) => sentence("Resumed after step 3.")))).not.toBe("");
});

test("Chinese and Latin letters do not touch where a value is put in", async () => {
  const { t, sentence } = await open("zh-hans", {
    "Train a {kind}": "训练一个{kind}",
    "Step {n} of {name}": "{name}的第{n}步",
    "The {what} of step {step} is not finite.": "第 {step} 步的{what}不是有限的数。",
    "held-out loss": "验证损失",
  });
  expect(t("Train a {kind}", { kind: "LoRA 适配器" })).toBe("训练一个 LoRA 适配器");
  expect(t("Train a {kind}", { kind: "语言模型" })).toBe("训练一个语言模型");
  expect(t("Step {n} of {name}", { n: 3, name: "GPT" })).toBe("GPT 的第 3 步");
  expect(t("Step {n} of {name}", { n: "三", name: "“GPT”" })).toBe("“GPT”的第三步");
  expect(sentence("The held-out loss of step 7 is not finite.")).toBe("第 7 步的验证损失不是有限的数。");
  expect(sentence("The norm of step 7 is not finite.")).toBe("第 7 步的 norm 不是有限的数。");
});

test("values are put in once, as they are: braces in a name stay", async () => {
  const { t } = await open("en");
  expect(t("“{name}” deleted", { name: "{name} $& <b>" })).toBe("“{name} $& <b>” deleted");
  expect(t("{unknown} place")).toBe("{unknown} place");
});
