/** A sweep as a page holds it: its runs and their curves, read again while one of them still learns. */
import { SvelteMap } from "svelte/reactivity";
import { api, asProblem, type Problem } from "./api";
import type { components } from "./api.generated";
import { t } from "./i18n";
import { curvesOf, lookOf, type Curves, type OverlayRun } from "./overlay";
import { ACTIVE, TERMINAL } from "./run";
import { fieldsOf, optionWord, type Schema } from "./schema";

export type Sweep = components["schemas"]["Sweep"];
export type SweepItem = components["schemas"]["SweepItem"];

export class SweepState {
  sweep = $state.raw<Sweep | null>(null);
  problem = $state.raw<Problem | null>(null);
  readonly curves = new SvelteMap<string, Curves>();
  private readonly seen = new Map<string, number>();

  constructor(readonly id: string) {}

  get items(): SweepItem[] {
    return this.sweep?.items ?? [];
  }

  /** Whether a run of it may still change. */
  get busy(): boolean {
    return this.sweep === null || this.items.some(({ job }) => !TERMINAL.has(job.status));
  }

  /** The longest plan of its runs. */
  get steps(): number | null {
    const planned = this.items.flatMap(({ job }) => job.steps ?? []);
    return planned.length > 0 ? Math.max(...planned) : null;
  }

  async look(): Promise<void> {
    try {
      this.sweep = await api.get<Sweep>(`sweeps/${this.id}`);
      this.problem = null;
      for (const { job } of this.items) {
        if (job.step === 0 || (this.seen.get(job.id) === job.last_seq && !ACTIVE.has(job.status))) continue;
        this.seen.set(job.id, job.last_seq);
        this.curves.set(job.id, await curvesOf(job.id));
      }
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  async stop(): Promise<void> {
    this.sweep = await api.post<Sweep>(`sweeps/${this.id}/stop`);
  }

  /** Its runs as lines of a picture, in the order of the table. */
  overlay(schema: Schema | null): OverlayRun[] {
    return this.items.flatMap((item, index) => {
      const series = this.curves.get(item.job.id);
      return series ? [{ job: item.job.id, series, label: told(item, schema), ...lookOf(index) }] : [];
    });
  }
}

/** What varies, by the names of the form. */
export function titlesOf(sweep: Sweep, schema: Schema | null): { name: string; title: string }[] {
  const fields = new Map(schema === null ? [] : fieldsOf(schema).map((field) => [field.name, field.title]));
  return Object.keys(sweep.over).map((name) => ({ name, title: t(fields.get(name) ?? name) }));
}

/** A value of a parameter as it stands in a table or at the end of a line. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return t("none");
  return typeof value === "boolean" ? (value ? t("yes") : t("no")) : optionWord(String(value));
}

function told(item: SweepItem, schema: Schema | null): string {
  const entries = Object.entries(item.values);
  if (entries.length > 1) return entries.map(([, value]) => shown(value)).join(" · ");
  const titles = new Map(schema === null ? [] : fieldsOf(schema).map((field) => [field.name, field.title]));
  return entries.map(([name, value]) => `${t(titles.get(name) ?? name)} ${shown(value)}`).join("");
}
