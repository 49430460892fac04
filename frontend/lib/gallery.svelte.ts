/** What the hall shows live: the newest run's curve, and how the newest model cuts and goes on from the greeting. */
import { api } from "./api";
import { Curves } from "./curves.svelte";
import type { Job } from "./jobs";
import { TERMINAL } from "./run";
import { canWrite } from "./tuning";
import type { Artifact, NextResult, Wing } from "./types";

const LOOKED_AT = 10;

export class Hall {
  job = $state<Job | null>(null);
  model = $state<Artifact | null>(null);
  reading = $state<NextResult | null>(null);
  private curves = new Curves();

  get curve() {
    const curve = this.job ? this.curves.of.get(this.job.id) : undefined;
    return curve && curve.values.length > 1 ? curve : undefined;
  }

  /** Whether the newest run is still under way. */
  get live(): boolean {
    return this.job !== null && !TERMINAL.has(this.job.status);
  }

  /** Looks for the newest run that has a curve. */
  async look(): Promise<void> {
    const { items } = await api.get<{ items: Job[] }>("jobs", { query: { limit: LOOKED_AT } });
    const before = this.job?.step;
    this.job = items.find((job) => job.step > 1) ?? null;
    if (this.job) this.curves.want(this.job.id, this.job.step !== before);
  }

  /** Lets the newest model that writes read the greeting, where the exhibit for it stands. A failure leaves the drawing in the case. */
  async read(wings: Wing[], greeting: string): Promise<void> {
    const stands = wings.some((wing) => wing.slug === "prediction" && wing.exhibits.some(({ slug }) => slug === "next"));
    if (!stands) return;
    const { items } = await api.get<{ items: Artifact[] }>("models");
    this.model = items.find(canWrite) ?? null;
    if (this.model) this.reading = await api.post<NextResult>("exhibits/prediction/next", { model: this.model.id, text: greeting });
  }
}
