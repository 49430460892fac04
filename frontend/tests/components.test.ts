import { fireEvent, render, screen, within } from "@testing-library/svelte";
import { createRawSnippet } from "svelte";
import { expect, test, vi } from "vitest";
import Name from "../components/library/Name.svelte";
import DropZone from "../components/DropZone.svelte";
import ParamForm from "../components/exhibit/ParamForm.svelte";
import Problem from "../components/Problem.svelte";
import Slider from "../components/Slider.svelte";
import Tabs from "../components/Tabs.svelte";
import TextField from "../components/TextField.svelte";
import Dialog from "../components/Dialog.svelte";
import Skyline from "../components/prediction/Skyline.svelte";
import CandidateBars from "../components/prediction/CandidateBars.svelte";
import { Problem as ApiProblem } from "../lib/api";
import { fieldsOf } from "../lib/schema";

test("a field ties its label and its error to what is filled in", () => {
  render(TextField, { label: "Name", value: "", error: "Too long." });
  const input = screen.getByRole("textbox", { name: "Name" });
  expect(input.getAttribute("aria-invalid")).toBe("true");
  expect(document.getElementById(input.getAttribute("aria-describedby") ?? "")?.textContent).toContain("Too long.");
});

test("a logarithmic slider gives each power of ten the same room", async () => {
  const onchange = vi.fn();
  render(Slider, { label: "Learning rate", value: 0.001, min: 0.00001, max: 1, log: true, onchange });
  const slider = screen.getByRole<HTMLInputElement>("slider", { name: /Learning rate/ });
  expect(slider.valueAsNumber).toBeCloseTo(0.4, 1);
  await fireEvent.input(slider, { target: { value: "0.8" } });
  await fireEvent.change(slider);
  expect(onchange).toHaveBeenCalledWith(0.1);
});

test("tabs move with the arrow keys, around the corner too", async () => {
  const onchange = vi.fn();
  render(Tabs, { label: "Library", value: "a", tabs: [{ id: "a", label: "A" }, { id: "b", label: "B", count: "3" }], onchange });
  await fireEvent.keyDown(screen.getByRole("tab", { name: "A" }), { key: "ArrowLeft" });
  expect(onchange).toHaveBeenCalledWith("b");
  expect(screen.getByRole("tab", { name: /B/ }).getAttribute("aria-selected")).toBe("true");
  expect(screen.getByRole("tab", { name: "A" }).tabIndex).toBe(-1);
});

test("a dialog has its title as its name and says when it is closed", async () => {
  const onclose = vi.fn();
  const children = createRawSnippet(() => ({ render: () => "<p>inside</p>" }));
  render(Dialog, { open: true, title: "Where it comes from", children, onclose });
  await fireEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(onclose).toHaveBeenCalledOnce();
});

test("files dropped or chosen are handed on, several only where several are wanted", async () => {
  const onfiles = vi.fn();
  render(DropZone, { title: "Drop a text here", hint: "as UTF-8", onfiles });
  const files = [new File(["a"], "a.txt"), new File(["b"], "b.txt")];
  await fireEvent.drop(screen.getByRole("group", { name: "Drop a text here" }), { dataTransfer: { files } });
  expect(onfiles).toHaveBeenCalledWith([files[0]]);
});

test("a problem names every bad field, as text and never as markup", () => {
  const problem = new ApiProblem(422, "See the fields.", "", [{ field: "steps", message: "<b>At least 1.</b>" }]);
  render(Problem, { problem });
  const alert = screen.getByRole("alert");
  expect(within(alert).getByText("<b>At least 1.</b>", { exact: false })).toBeTruthy();
  expect(alert.querySelector("b")).toBeNull();
});

test("a name is changed where it stands: Enter keeps it, and a refusal stays beside it", async () => {
  const save = vi.fn().mockRejectedValueOnce(new ApiProblem(422, "", "", [{ field: "name", message: "Too long." }])).mockResolvedValue(undefined);
  render(Name, { name: "old", editing: true, save });
  const input = screen.getByRole("textbox", { name: "New name" });
  await fireEvent.input(input, { target: { value: "  new " } });
  await fireEvent.keyDown(input, { key: "Enter" });
  expect(save).toHaveBeenCalledWith("new");
  expect(await screen.findByRole("alert")).toHaveProperty("textContent", "Too long.");
  await fireEvent.keyDown(input, { key: "Enter" });
  expect(await screen.findByText("old")).toBeTruthy();
});

test("the controls of an exhibit come from its schema", async () => {
  const fields = fieldsOf({
    properties: {
      top: { type: "integer", title: "Likeliest", minimum: 1, maximum: 20, default: 10 },
      kind: { type: "string", title: "Kind", enum: ["llama", "gpt2"], default: "llama" },
      on: { type: "boolean", title: "Causal", default: true },
    },
  });
  const set = vi.fn();
  render(ParamForm, { fields, values: { top: 10, kind: "llama", on: true }, error: () => undefined, set });
  await fireEvent.input(screen.getByRole("slider", { name: /Likeliest/ }), { target: { value: "5" } });
  expect(set).toHaveBeenCalledWith({ top: 5 });
  await fireEvent.change(screen.getByRole("combobox", { name: "Kind" }), { target: { value: "gpt2" } });
  expect(set).toHaveBeenCalledWith({ kind: "gpt2" });
  await fireEvent.click(screen.getByRole("switch", { name: "Causal" }));
  expect(set).toHaveBeenCalledWith({ on: false });
});

const tokens = ["To", " be", ","].map((text, i) => ({ id: i, text, start: 0, end: 0, special: false, surprisal: i ? 3 * i : null, rank: i ? 2 : null }));

test("a press on a token asks what was expected in its place; arrow keys go on from there", async () => {
  const choose = vi.fn();
  render(Skyline, { tokens, after: 2, choose });
  await fireEvent.click(screen.getByRole("option", { name: /· be|·be/ }));
  expect(choose).toHaveBeenCalledWith(0);
  await fireEvent.keyDown(screen.getByRole("listbox"), { key: "ArrowLeft" });
  expect(choose).toHaveBeenCalledWith(1);
  expect(screen.getByRole<HTMLButtonElement>("option", { name: /the beginning/ }).disabled).toBe(true);
});

test("the token that really came is shown also when it was no likely one, and the rest of the probability too", () => {
  const expectation = { entropy: 1, ids: [7], texts: [" was"], probabilities: [0.5] };
  render(CandidateBars, { expectation, before: "To", came: tokens[1], name: "·be" });
  const words = screen.getByRole("img").textContent ?? "";
  expect(words).toContain("·was");
  expect(words).toContain("came next");
  expect(words).toContain("12.5 %"); // three bits of surprise
  expect(words).toContain("37.5 %"); // all others
});
