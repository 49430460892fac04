import { describe, expect, it } from "vitest";
import { budgetOf, defaults, formAddress, fromQuery, toParams, toQuery } from "../lib/form";
import { fieldsOf, groupsOf, shownValue, type Schema } from "../lib/schema";

const schema: Schema = {
  required: ["corpus"],
  properties: {
    corpus: { title: "Corpus", group: "data", type: "string" },
    tokenizer: { title: "Tokenizer", group: "data", anyOf: [{ type: "string" }, { type: "null" }], default: null },
    preset: {
      title: "Size",
      group: "model",
      anyOf: [{ type: "string", enum: ["200k", "1m"] }, { type: "null" }],
      default: "1m",
    },
    n_layer: { title: "Layers", group: "model", anyOf: [{ type: "integer", minimum: 1, maximum: 96 }, { type: "null" }], default: null },
    tie: { title: "Tied", group: "model", type: "boolean", default: true },
    steps: { title: "Steps", group: "budget", unit: "steps", anyOf: [{ type: "integer" }, { type: "null" }], default: 300 },
    minutes: { title: "Minutes", group: "budget", anyOf: [{ type: "number" }, { type: "null" }], default: null },
    tokens: { title: "Tokens", group: "budget", anyOf: [{ type: "integer" }, { type: "null" }], default: null },
    learning_rate: { title: "Learning rate", group: "optimizer", type: "number", exclusiveMinimum: 0, default: 0.003 },
    sample_prompt: { title: "Prompt", group: "evaluation", type: "string", default: "" },
  },
};
const fields = fieldsOf(schema);
const query = (text: string) => fromQuery(fields, new URLSearchParams(text));

describe("fieldsOf", () => {
  it("reads types, limits, choices and emptiness", () => {
    const of = (name: string) => fields.find((field) => field.name === name);
    expect(of("n_layer")).toMatchObject({ type: "integer", nullable: true, min: 1, max: 96, initial: null });
    expect(of("preset")).toMatchObject({ options: ["200k", "1m"], nullable: true, initial: "1m" });
    expect(of("learning_rate")).toMatchObject({ type: "number", nullable: false, min: 0, unit: "" });
  });
  it("keeps the groups in their order", () => {
    expect(groupsOf(fields).map((group) => group.name)).toEqual(["data", "model", "budget", "optimizer", "evaluation"]);
  });
});

describe("the address", () => {
  it("gives the defaults when it says nothing", () => {
    expect(query("")).toEqual(defaults(fields));
    expect(Object.values(toQuery(fields, query(""))).every((value) => value === null)).toBe(true);
  });
  it("comes back as it was written", () => {
    const values = { ...query(""), corpus: "c1", preset: null, n_layer: 3, tie: false, learning_rate: 1e-4, sample_prompt: "Once & so" };
    const written = toQuery(fields, values);
    const said = Object.entries(written).filter((pair): pair is [string, string] => pair[1] !== null);
    expect(query(new URLSearchParams(said).toString())).toEqual(values);
  });
  it("leaves wrong values to the defaults", () => {
    expect(query("n_layer=many&preset=9b&tie=perhaps&learning_rate=")).toEqual(defaults(fields));
  });
  it("lets a budget take the place of the default one", () => {
    expect(query("minutes=5")).toMatchObject({ steps: null, minutes: 5, tokens: null });
    expect(budgetOf(query("tokens=1000"))).toBe("tokens");
  });
  it("fills the form with the parameters of an earlier run", () => {
    const address = formAddress("clm", { corpus: "c1", steps: null, minutes: 2, tokens: null, preset: "200k", tie: true });
    const values = query(address.split("?")[1] as string);
    expect(values).toMatchObject({ corpus: "c1", steps: null, minutes: 2, preset: "200k", tie: true });
  });
});

it("sends only what differs from the defaults", () => {
  expect(toParams(fields, { ...query("minutes=2"), corpus: "c1" })).toEqual({ corpus: "c1", steps: null, minutes: 2 });
});

it("shows values in words", () => {
  expect([shownValue(true, ""), shownValue(null, ""), shownValue(128, "tokens"), shownValue(1e-4, "")]).toEqual(["yes", null, "128 tokens", "0.0001"]);
  expect([shownValue("gpt2", ""), shownValue("200k", ""), shownValue("10m", "")]).toEqual(["GPT-2", "200k", "10M"]);
});
