import { expect, test } from "vitest";
import { canBeTuned, hasRows, inSentence, rowsOf, usualBase, usualText } from "../lib/tuning";
import type { Artifact } from "../lib/types";

const artifact = (meta: Record<string, unknown>): Artifact => ({ meta }) as unknown as Artifact;

test("a base writes texts on and is whole", () => {
  expect(canBeTuned(artifact({ architecture: "llama" }))).toBe(true);
  expect(canBeTuned(artifact({ architecture: "llama", adapter: true }))).toBe(false);
  expect(canBeTuned(artifact({ architecture: "bert" }))).toBe(false);
});

test("only rows of a known form are examples", () => {
  expect(rowsOf(artifact({ jsonl: { rows: 2, keys: ["prompt", "completion"], forms: { plain: 2 } } }))).toEqual({ rows: 2, keys: ["prompt", "completion"] });
  for (const meta of [{}, { jsonl: {} }, { jsonl: { rows: 2, keys: ["a"], forms: {} } }]) expect(hasRows(artifact(meta))).toBe(false);
});

test("a form begins with the newest text of its sort", () => {
  const rows = artifact({ jsonl: { rows: 2, keys: [], forms: { plain: 2 } } });
  const [newer, older] = [artifact({ characters: 9 }), artifact({ characters: 8 })];
  expect(usualText([rows, newer, older], false)).toBe(newer);
  expect(usualText([newer, rows], true)).toBe(rows);
  expect(usualText([newer], true)).toBeUndefined();
  // Rows are a text, too, where there is no other.
  expect(usualText([rows], false)).toBe(rows);
});

test("a form begins with a base that was not taught yet", () => {
  const [taught, raw] = [artifact({ instruct: true }), artifact({})];
  expect([usualBase([taught, raw]), usualBase([taught]), usualBase([])]).toEqual([raw, taught, undefined]);
  expect(usualBase([taught, raw])).toBe(raw);
  const [near, far] = [artifact({ context: 64 }), artifact({ context: 512 })];
  expect(usualBase([raw, near, far, artifact({ context: 512 })])).toBe(far);
});

test("a title goes into a sentence, a name stays as it is", () => {
  expect(inSentence("Language model")).toBe("language model");
  expect(inSentence("LoRA adapter")).toBe("LoRA adapter");
  expect(inSentence("微调模型")).toBe("微调模型");
});
