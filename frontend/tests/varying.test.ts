import { expect, it } from "vitest";
import type { FieldSpec } from "../lib/schema";
import { firstText, valuesOf, varies } from "../lib/varying";

const field = (type: FieldSpec["type"], options: string[] | null = null): FieldSpec => ({
  name: "f", title: "F", description: "", group: "", unit: "", type, options, nullable: false, initial: null, min: undefined, max: undefined, maxLength: undefined, required: false,
});

it("reads numbers however they are set apart, and leaves what is none to the server", () => {
  expect(valuesOf(field("number"), "0.001, 3e-3，1;2  x")).toEqual([0.001, 0.003, 1, 2, "x"]);
  expect(valuesOf(field("integer"), " ")).toEqual([]);
  expect(valuesOf(field("boolean"), "true,false,maybe")).toEqual([true, false, "maybe"]);
  expect(valuesOf(field("string", ["llama", "gpt2"]), "llama, gpt2")).toEqual(["llama", "gpt2"]);
});

it("offers to vary what has single values", () => {
  expect([varies(field("number")), varies(field("string")), varies(field("array")), varies(field("string", ["a"]))]).toEqual([true, false, false, true]);
});

it("begins with what there is", () => {
  expect(firstText(field("number"), 0.003)).toBe("0.003, ");
  expect(firstText(field("integer"), null)).toBe("");
  expect(firstText(field("string", ["a", "b"]), "a")).toBe("a, b");
});
