/** The form of a new run: its values, what they would cost, what is wrong with them, and the press of Train. */
import { api, asProblem, type Problem } from "./api";
import type { components } from "./api.generated";
import { write } from "./address";
import { defaults, fromQuery, toParams, toQuery, type Values } from "./form";
import type { Job } from "./jobs";
import { fieldsOf, type FieldSpec, type Kind } from "./schema";
import { valuesOf } from "./varying";

type Shapes = components["schemas"];
export type Estimate = Shapes["Estimate"];
export type Memory = Shapes["Memory"];
export type Sweep = Shapes["Sweep"];

const PAUSE_MS = 200;
const MEASURING_MS = 4000;

export class RunForm {
  readonly fields: FieldSpec[];
  values = $state<Values>({});
  estimate = $state.raw<Estimate | null>(null);
  /** Why the values were refused, by the estimate or by Train. */
  problem = $state.raw<Problem | null>(null);
  /** Whether the estimate in sight, or the problem, is of values that have changed since. */
  stale = $state(true);
  sending = $state(false);
  /** Fields that take several values, as text: each combination is a run of a sweep. */
  varied = $state<Record<string, string>>({});
  /** Whether fields may vary at all. */
  readonly variable: boolean = true;

  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: AbortController | undefined;
  private press: { key: string; body: string } | null = null;

  constructor(readonly kind: Kind) {
    this.fields = fieldsOf(kind.params);
    this.values = fromQuery(this.fields, new URLSearchParams(location.search));
  }

  get params(): Values {
    return toParams(this.fields, this.values);
  }

  get body(): { kind: string; params: Values } {
    return { kind: this.kind.name, params: this.params };
  }

  field(name: string): FieldSpec | undefined {
    return this.fields.find((field) => field.name === name);
  }

  set(changes: Values): void {
    Object.assign(this.values, changes);
    write(toQuery(this.fields, this.values));
    this.stale = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), PAUSE_MS);
  }

  reset(): void {
    const chosen = ["corpus", "model"].filter((name) => this.field(name));
    this.set({ ...defaults(this.fields), ...Object.fromEntries(chosen.map((name) => [name, this.values[name]])) });
  }

  /** The values of the fields that vary. */
  get over(): Record<string, unknown[]> {
    return Object.fromEntries(this.fields.flatMap((field) => {
      const text = this.varied[field.name];
      return text === undefined ? [] : [[field.name, valuesOf(field, text)]];
    }));
  }

  /** How many runs Train would queue. */
  get runs(): number {
    return Object.values(this.over).reduce((product, values) => product * Math.max(1, values.length), 1);
  }

  /** Lets a field vary, or with null take one value again. */
  vary(name: string, text: string | null): void {
    const { [name]: _, ...others } = this.varied;
    this.varied = text === null ? others : { ...others, [name]: text };
    this.problem = null;
    this.stale = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), PAUSE_MS);
  }

  /** What is said beside a field. */
  error(name: string): string | undefined {
    const values = this.over[name];
    if (values !== undefined && this.problem !== null) {
      const wrong = this.problem.errors.filter(({ field }) => field === "over" || `${field}.`.startsWith(`over.${name}.`));
      const told = wrong.map(({ field, message }) => [values[Number(field.split(".")[2] ?? NaN)], message].filter((part) => part !== undefined).join(": "));
      if (told.length > 0) return told.join(" ");
    }
    if (this.problem !== null) return this.problem.of(name);
    const found = this.estimate?.problems.filter((problem) => problem.field === name) ?? [];
    return found.length > 0 ? found.map((problem) => problem.message).join(" ") : undefined;
  }

  /** What is wrong and stands at no field of the form. */
  get elsewhere(): Problem | null {
    const { problem } = this;
    if (problem === null || (problem.errors.length > 0 && this.fields.some(({ name }) => problem.of(name) || (name in this.varied && this.error(name))))) return null;
    return problem;
  }

  /** What a run cannot be without and nobody has given yet, such as its text: until then there is nothing to ask about. */
  get lacking(): string[] {
    return this.fields.filter(({ name, required }) => required && (this.values[name] ?? "") === "").map(({ name }) => name);
  }

  get ready(): boolean {
    return !this.stale && this.problem === null && this.estimate !== null && this.estimate.fits;
  }

  async ask(): Promise<void> {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    if (this.lacking.length > 0) {
      [this.estimate, this.problem, this.stale] = [null, null, false];
      return;
    }
    try {
      this.estimate = await api.post<Estimate>("jobs/estimate", this.body, { signal: asking.signal });
      this.problem = null;
      if (this.estimate.seconds === null) this.askLater();
    } catch (error) {
      if (asking.signal.aborted) return;
      this.problem = asProblem(error);
    }
    this.stale = false;
  }

  /** A machine that has just started measures its speed; once it knows, so shall the form. */
  private askLater(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void (document.hidden ? this.askLater() : this.ask()), MEASURING_MS);
  }

  /**
   * Queues the run and gives its job. One press is one run: where the answer got lost, pressing again with the same
   * values sends the same key, and the server gives the job that it has made already.
   */
  async train(): Promise<Job | null> {
    return this.send<Job>("jobs", this.body);
  }

  /** The same for a sweep: one run for each combination of the values. */
  async sweep(): Promise<Sweep | null> {
    const params = Object.fromEntries(Object.entries(this.params).filter(([name]) => !(name in this.varied)));
    return this.send<Sweep>("sweeps", { kind: this.kind.name, params, over: this.over });
  }

  private async send<T>(path: string, given: object): Promise<T | null> {
    const body = JSON.stringify(given);
    if (this.press?.body !== body) this.press = { key: newKey(), body };
    this.sending = true;
    // An estimate that comes back later would wipe out what this answer says.
    clearTimeout(this.timer);
    this.asking?.abort();
    this.stale = false;
    try {
      return await api.post<T>(path, given, { headers: { "Idempotency-Key": this.press.key } });
    } catch (error) {
      this.problem = asProblem(error);
      if (this.problem.status !== 0) this.press = null;
      this.sending = false;
      return null;
    }
  }
}

/** A random key; `crypto.randomUUID` is missing on plain HTTP off this machine. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
