/** The form of a fork: the parameters of a run, of which those may change that do not belong to the state it goes on from. */
import type { Values } from "./form";
import { asProblem } from "./api";
import { jobs, type Job } from "./jobs";
import { RunForm } from "./runForm.svelte";
import type { FieldSpec, Kind } from "./schema";

/** What one most often wants otherwise at a fork. */
const USUAL = ["learning_rate", "steps", "tokens", "batch_size", "seed"];

export class ForkForm extends RunForm {
  readonly usual: FieldSpec[];
  readonly rest: FieldSpec[];
  private readonly before: Values;

  constructor(kind: Kind, params: Values, bound: string[]) {
    super(kind);
    this.before = Object.fromEntries(this.fields.map(({ name, initial }) => [name, params[name] ?? initial]));
    for (const { name } of this.fields) if (params[name] === null) this.before[name] = null;
    this.values = { ...this.before };
    // What differs from the run is what counts as changed here, and not what differs from the defaults.
    const known = this.fields.map((field) => ({ ...field, initial: this.before[field.name] ?? null }));
    const free = known.filter(({ name, type }) => !bound.includes(name) && name !== "corpus" && type !== "array" && type !== "object");
    // Of the budgets the one that the run has is asked for: the others would replace it.
    const asked = free.filter(({ name }) => (name !== "steps" && name !== "tokens") || (params[name] ?? null) !== null);
    this.usual = USUAL.flatMap((name) => asked.find((field) => field.name === name) ?? []);
    this.rest = asked.filter(({ name }) => !USUAL.includes(name));
    this.stale = false;
  }

  override readonly variable = false;

  /** A fork has no address of its own, and is not estimated while one types. */
  override set(changes: Values): void {
    Object.assign(this.values, changes);
    this.problem = null;
  }

  get changes(): Values {
    const told = (value: unknown): string => JSON.stringify(value ?? null);
    return Object.fromEntries(Object.entries(this.values).filter(([name, value]) => told(value) !== told(this.before[name])));
  }

  /** Queues the fork; null where it was refused, and `problem` then says why. */
  async fork(parent: string, step: number): Promise<Job | null> {
    this.sending = true;
    try {
      return await jobs.fork(parent, { step, params: this.changes });
    } catch (error) {
      this.problem = asProblem(error);
      return null;
    } finally {
      this.sending = false;
    }
  }
}
