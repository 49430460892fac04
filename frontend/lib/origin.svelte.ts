/** Where a run comes from and what can go on from it: the run that it forks or repeats, with its curves; the states that it keeps. */
import type { Following } from "./following.svelte";
import { t } from "./i18n";
import { jobs, type Job, type Verdict } from "./jobs";
import { curvesOf, type Curves } from "./overlay";
import { TERMINAL } from "./run";
import { fieldsOf, type Schema } from "./schema";
import { shown } from "./sweep.svelte";

export class Origin {
  parent = $state.raw<Job | null>(null);
  curves = $state.raw<Curves | null>(null);
  verdict = $state.raw<Verdict | null>(null);
  /** The steps whose states are kept, from which the run can be forked. */
  kept = $state.raw<number[]>([]);
  private final = false;

  constructor(private readonly run: Following) {}

  /** Whether all that it will ever know is known. */
  get done(): boolean {
    return this.final;
  }

  async look(): Promise<void> {
    await this.run.loaded;
    const job = this.run.job;
    if (this.final || job === null) return;
    try {
      const ended = this.run.ended;
      this.kept = (await jobs.checkpoints(job.id)).items.map(({ step }) => step);
      if (job.parent !== null) {
        this.parent = await jobs.get(job.parent);
        if (job.relation === "fork") this.curves = await curvesOf(job.parent);
        else this.verdict = await jobs.verdict(job.id);
      }
      this.final = ended && (this.parent === null || TERMINAL.has(this.parent.status));
    } catch {
      // The parent may be gone, or the server away; the run itself is shown all the same.
    }
  }
}

export interface Change {
  title: string;
  before: string;
  after: string;
}

/** The settings in which a run differs from the one that it comes from. */
export function changes(before: Job, after: Job, schema: Schema | null): Change[] {
  const fields = schema === null ? [] : fieldsOf(schema);
  return fields.flatMap(({ name, title }) => {
    const [was, is] = [before.params[name] ?? null, after.params[name] ?? null];
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    const told = (job: Job, value: unknown): string => job.inputs[name]?.name ?? shown(value);
    return [{ title: t(title), before: told(before, was), after: told(after, is) }];
  });
}

/** Two unequal numbers, both with as many digits as it takes to tell them apart. */
export function apart(one: number, other: number): [string, string] {
  for (let digits = 4; digits < 17; digits += 1) {
    const pair = [one.toPrecision(digits), other.toPrecision(digits)] as [string, string];
    if (pair[0] !== pair[1]) return pair;
  }
  return [String(one), String(other)];
}

/** What the repeat has shown, in a sentence with `{name}` where the other run's name belongs; null while there is nothing. */
export function verdictWords(verdict: Verdict): string | null {
  const steps = verdict.steps;
  if (verdict.verdict === "identical") return t("Identical to {name}, to the last digit of all {steps} steps.", { steps });
  if (verdict.verdict === "running") return steps > 0 ? t("So far identical to {name}, for {steps} steps.", { steps }) : t("Repeats {name}.");
  if (verdict.verdict === "nothing" || verdict.values === null) return t("Repeats {name}; there is no step to compare.");
  const series: Record<string, string> = { loss: t("loss"), grad_norm: t("gradient norm"), val_loss: t("held-out loss") };
  const [before, after] = apart(...verdict.values);
  return t("First differs from {name} at step {step}: {series} {before} there, {after} here.", {
    step: verdict.step ?? 0,
    series: series[verdict.series ?? ""] ?? verdict.series ?? "",
    before,
    after,
  });
}
