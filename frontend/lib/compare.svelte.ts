/** Several runs beside one another: which ones, what is known of each, and what differs between them. */
import { SvelteMap } from "svelte/reactivity";
import { api, asProblem, type Problem } from "./api";
import { Column } from "./column";
import { count } from "./format";
import { t } from "./i18n";
import { jobs, type Job } from "./jobs";
import { curvesOf, lookOf, type Curves, type OverlayRun } from "./overlay";
import { ACTIVE, TERMINAL } from "./run";
import { fieldsOf, shownValue, type Kind } from "./schema";

/** As many as there are looks of lines, and as a picture can bear. */
export const MOST_RUNS = 24;

/** The places of the address: an id each, or nothing where a run was taken out, so that the others keep their colours. */
export function placesFrom(address: string | null): string[] {
  const ids = (address ?? "").split(",").slice(0, MOST_RUNS);
  return ids.map((id, place) => (/^[0-9a-f-]{36}$/.test(id) && ids.indexOf(id) === place ? id : ""));
}

/** The places as the address has them; empty ones at the end are left out. */
export function addressOf(places: string[]): string {
  return places.join(",").replace(/,+$/, "");
}

/** Puts a run into the first free place; where none is free, the places stay as they are. */
export function put(places: string[], id: string): string[] {
  if (places.includes(id)) return places;
  const free = places.indexOf("");
  if (free >= 0) return places.map((other, place) => (place === free ? id : other));
  return places.length < MOST_RUNS ? [...places, id] : places;
}

export interface Compared {
  place: number;
  job: Job;
  curves: Curves;
  parameters: number | null;
  operations: number | null;
}

export interface Outcome {
  loss: number | null;
  held: number | null;
  best: number | null;
  bestStep: number | null;
  seconds: number | null;
  memory: number | null;
}

/** What came of a run. */
export function outcome(curves: Curves): Outcome {
  const last = (name: string): number | null => (curves[name]?.step.length ? curves[name].value.last : null);
  const held = curves.val_loss?.value.view() ?? new Float64Array(0);
  const best = held.length > 0 ? held.indexOf(Math.min(...held)) : -1;
  const memory = curves.memory?.value.view() ?? new Float64Array(0);
  return {
    loss: last("loss"),
    held: last("val_loss"),
    best: best < 0 ? null : (held[best] as number),
    bestStep: best < 0 ? null : (curves.val_loss?.step.at(best) ?? null),
    seconds: last("seconds"),
    memory: memory.length > 0 ? memory.reduce((a, b) => Math.max(a, b)) : null,
  };
}

export interface Differing {
  name: string;
  title: string;
  values: string[];
  differs: boolean;
}

/** Every parameter with its value in each run, in the order of the forms; `differs` where they are not all the same. */
export function parametersOf(items: Compared[], kinds: Kind[]): Differing[] {
  const fields = kinds.filter(({ name }) => items.some(({ job }) => job.kind === name)).flatMap((kind) => fieldsOf(kind.params));
  const names = new Map(fields.map((field) => [field.name, field]));
  return [...names.values()].map(({ name, title, unit }) => {
    const values = items.map(({ job }) => {
      const value = job.params[name];
      const written = value !== null && typeof value === "object" && !Array.isArray(value);
      return job.inputs[name]?.name ?? (written ? JSON.stringify(value) : (shownValue(value, unit) ?? "–"));
    });
    return { name, title: t(title), values, differs: new Set(values).size > 1 };
  });
}

/** What an estimate says of a run's arithmetic. */
export interface Cost {
  parameters: number;
  tokens: number | null;
  flops: number | null;
}

/** Operations for each token: those of the estimate, which knows of frozen weights; else the usual six for each parameter. */
export function operationsOf({ parameters, tokens, flops }: Cost): number {
  return flops !== null && tokens !== null && tokens > 0 ? flops / tokens : 6 * parameters;
}

/** Curves with the arithmetic done so far, of so many operations for each token. */
export function withFlops(curves: Curves, operations: number | null): Curves {
  const tokens = curves.tokens;
  if (tokens === undefined || operations === null) return curves;
  return { ...curves, flops: { step: tokens.step, value: Column.of(tokens.value.view().map((seen) => operations * seen)) } };
}

export class CompareState {
  places = $state.raw<string[]>([]);
  problem = $state.raw<Problem | null>(null);
  private readonly known = new SvelteMap<string, Omit<Compared, "place">>();
  private readonly seen = new Map<string, number>();

  constructor(places: string[]) {
    this.places = places;
  }

  /** The runs that are known so far, in the order of their places. */
  get items(): Compared[] {
    return this.places.flatMap((id, place) => {
      const found = this.known.get(id);
      return found ? [{ place, ...found }] : [];
    });
  }

  get wanted(): number {
    return this.places.filter(Boolean).length;
  }

  get busy(): boolean {
    return this.items.length < this.wanted || this.items.some(({ job }) => !TERMINAL.has(job.status));
  }

  remove(id: string): void {
    this.places = this.places.map((other) => (other === id ? "" : other));
  }

  /** Reads what is new of every run that may have changed. */
  async look(): Promise<void> {
    try {
      await Promise.all(this.places.filter(Boolean).map((id) => this.read(id)));
      this.problem = null;
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  private async read(id: string): Promise<void> {
    const before = this.known.get(id);
    if (before && TERMINAL.has(before.job.status)) return;
    const job = await jobs.get(id);
    const cost = before?.parameters ? null : await api.get<Cost>(`jobs/${id}/estimate`).catch(() => null);
    const parameters = cost?.parameters ?? before?.parameters ?? null;
    const operations = cost === null ? (before?.operations ?? null) : operationsOf(cost);
    const fresh = before !== undefined && this.seen.get(id) === job.last_seq && !ACTIVE.has(job.status);
    this.seen.set(id, job.last_seq);
    const curves = fresh ? before.curves : withFlops(await curvesOf(id), operations);
    this.known.set(id, { job, curves, parameters, operations });
  }
}

const LONGEST_LABEL = 29;

/** A name as a line's label has room for it: its beginning, and its end, where the runs of a sweep differ. */
export function shortened(name: string): string {
  const letters = [...name];
  if (letters.length <= LONGEST_LABEL) return name;
  const half = (LONGEST_LABEL - 1) / 2;
  return `${letters.slice(0, Math.floor(half)).join("").trimEnd()}…${letters.slice(-Math.ceil(half)).join("").trimStart()}`;
}

/** The runs as lines of a picture; two of one name are told apart by their places. */
export function overlayOf(items: Compared[], hidden: ReadonlySet<string>): OverlayRun[] {
  const names = items.map(({ job }) => job.name);
  return items
    .filter(({ job }) => !hidden.has(job.id))
    .map(({ place, job, curves }) => {
      const label = names.filter((name) => name === job.name).length > 1 ? `${job.name} (${count(place + 1)})` : job.name;
      return { job: job.id, series: curves, label: shortened(label), ...lookOf(place) };
    });
}
