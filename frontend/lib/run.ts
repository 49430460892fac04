/**
 * What is known of a run: a pure function of its events.
 *
 * `reduce(state, event)` never changes the state that it is given. The same events in the same order give the same
 * state, whether they came over a socket, by polling or in one page after a reload. An event that was seen already
 * changes nothing; one that leaves a gap is refused with `Gap`, so that nobody draws a history with a hole in it.
 */
import { blanksOf, type Blank } from "./blanks";
import { Column } from "./column";
import type { ProbeRecord } from "./probes";

export interface RunEvent {
  seq: number;
  type: string;
  at: string;
  data: Record<string, unknown>;
}

export interface Series {
  step: Column;
  value: Column;
}

export interface Sample {
  seq: number;
  step: number;
  prompt: string;
  text: string;
  /** Of a masked model: the blanks of the prompt, with what it takes to belong there. */
  blanks: Blank[] | null;
}

export interface LogLine {
  seq: number;
  at: string;
  level: string;
  message: string;
}

export interface RunState {
  lastSeq: number;
  status: string | null;
  attempt: number;
  step: number;
  steps: number | null;
  failure: string | null;
  error: string | null;
  model: string | null;
  series: Readonly<Record<string, Series>>;
  samples: readonly Sample[];
  checkpoints: readonly number[];
  probes: readonly ProbeRecord[];
  logs: readonly LogLine[];
  /** All events but the metrics, oldest first: they are few and tell the story. */
  story: readonly RunEvent[];
}

export const TERMINAL: ReadonlySet<string> = new Set(["done", "failed", "stopped"]);
export const ACTIVE: ReadonlySet<string> = new Set(["starting", "running", "pausing"]);

/** Lines and events kept for show; older ones are read from the API when somebody asks for them. */
const KEPT = 2000;

export const EMPTY: RunState = {
  lastSeq: 0,
  status: null,
  attempt: 0,
  step: 0,
  steps: null,
  failure: null,
  error: null,
  model: null,
  series: {},
  samples: [],
  checkpoints: [],
  probes: [],
  logs: [],
  story: [],
};

/** An event whose number does not follow: the caller asks again from `after`. */
export class Gap extends Error {
  constructor(
    readonly after: number,
    readonly seq: number,
  ) {
    super(`event ${seq} came after event ${after}`);
    this.name = "Gap";
  }
}

export function reduce(state: RunState, event: RunEvent): RunState {
  if (event.seq <= state.lastSeq) return state;
  if (event.seq !== state.lastSeq + 1) throw new Gap(state.lastSeq, event.seq);
  const next: RunState = { ...state, lastSeq: event.seq };
  if (event.type === "metrics") return withMetrics(next, event.data);
  next.story = keep(state.story, event);
  switch (event.type) {
    case "status":
      return withStatus(next, event.data);
    case "sample":
      return withSample(next, event);
    case "checkpoint":
      return { ...next, checkpoints: withStep(state.checkpoints, number(event.data.step)) };
    case "probe":
      return { ...next, probes: withProbe(state.probes, event.data as unknown as ProbeRecord) };
    case "log":
      return { ...next, logs: keep(state.logs, logLine(event)) };
    case "artifact":
      return event.data.kind === "model" ? { ...next, model: text(event.data.id) } : next;
    default:
      return next;
  }
}

function withStatus(state: RunState, data: Record<string, unknown>): RunState {
  const status = text(data.status) ?? state.status;
  const failed = status === "failed";
  return {
    ...state,
    status,
    attempt: number(data.attempt) ?? state.attempt,
    steps: number(data.steps) ?? state.steps,
    failure: failed ? (text(data.failure) ?? state.failure) : null,
    error: failed ? (text(data.error) ?? text(data.message) ?? state.error) : null,
  };
}

function withMetrics(state: RunState, data: Record<string, unknown>): RunState {
  const steps = list(data.step);
  const series = { ...state.series };
  for (const [name, raw] of Object.entries(data)) {
    if (name === "step") continue;
    series[name] = extend(series[name], steps, list(raw));
  }
  return { ...state, series, step: Math.max(state.step, ...steps) };
}

/** A step that stands already gives way to the later event: of two attempts at it, the later one counts. */
function extend(old: Series | undefined, steps: number[], values: number[]): Series {
  let { step, value } = old ?? { step: Column.empty, value: Column.empty };
  const from = steps[0];
  if (from !== undefined && (step.length === 0 || from > step.last) && rises(steps) && values.every(Number.isFinite)) {
    return { step: step.append(steps), value: value.append(values) };
  }
  steps.forEach((at, index) => {
    const y = values[index];
    if (y === undefined || !Number.isFinite(y)) return;
    const place = step.lowerBound(at);
    const insert = step.at(place) !== at;
    if (insert) step = step.with(place, at, true);
    value = value.with(place, y, insert);
  });
  return { step, value };
}

function rises(values: number[]): boolean {
  return values.every((value, index) => index === 0 || value > (values[index - 1] as number));
}

function withSample(state: RunState, event: RunEvent): RunState {
  const { step, prompt, text: body } = event.data;
  const sample = {
    seq: event.seq,
    step: number(step) ?? state.step,
    prompt: text(prompt) ?? "",
    text: text(body) ?? "",
    blanks: blanksOf(event.data.blanks),
  };
  const others = state.samples.filter((other) => other.step !== sample.step);
  return { ...state, samples: [...others, sample].sort((a, b) => a.step - b.step) };
}

function withStep(steps: readonly number[], step: number | null): readonly number[] {
  return step === null || steps.includes(step) ? steps : [...steps, step].sort((a, b) => a - b);
}

function withProbe(records: readonly ProbeRecord[], record: ProbeRecord): readonly ProbeRecord[] {
  return [...records.filter(({ step }) => step !== record.step), record].sort((a, b) => a.step - b.step);
}

function logLine(event: RunEvent): LogLine {
  const { level, message } = event.data;
  return { seq: event.seq, at: event.at, level: text(level) ?? "info", message: text(message) ?? "" };
}

function keep<T>(items: readonly T[], item: T): readonly T[] {
  return items.length < KEPT ? [...items, item] : [...items.slice(1 - KEPT), item];
}

function list(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).map((item) => (typeof item === "number" ? item : NaN));
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
