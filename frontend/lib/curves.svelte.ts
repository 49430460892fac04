/** Small loss curves of many runs: fetched a few at a time, kept, and thinned to what a thumbnail can show. */
import { api } from "./api";
import { SvelteMap } from "svelte/reactivity";
import type { Series } from "./types";

const AT_ONCE = 3;
const POINTS = 120;

export type Curve = { values: number[]; last: number | null; held: number | null };

/** At most `points` values: the mean of each equal stretch, so that noise does not masquerade as shape. */
export function thin(values: number[], points = POINTS): number[] {
  if (values.length <= points) return values;
  return Array.from({ length: points }, (_, i) => {
    const stretch = values.slice(Math.floor((i * values.length) / points), Math.floor(((i + 1) * values.length) / points));
    return stretch.reduce((sum, value) => sum + value, 0) / stretch.length;
  });
}

export class Curves {
  readonly of = new SvelteMap<string, Curve>();
  private waiting: string[] = [];
  private busy = 0;

  /** Asks for a run's curve; `again` also when it is there already, because the run went on. */
  want(id: string, again = false): void {
    if ((!again && this.of.has(id)) || this.waiting.includes(id)) return;
    this.waiting.push(id);
    void this.work();
  }

  private async work(): Promise<void> {
    if (this.busy >= AT_ONCE) return;
    this.busy += 1;
    for (let id = this.waiting.shift(); id !== undefined; id = this.waiting.shift()) {
      try {
        const { series } = await api.get<{ series: Series }>(`jobs/${id}/metrics`);
        const loss = series.loss?.value ?? [];
        this.of.set(id, { values: thin(loss), last: loss.at(-1) ?? null, held: series.val_loss?.value.at(-1) ?? null });
      } catch {
        // A row without its little curve is still a row; the list itself says when the server is away.
      }
    }
    this.busy -= 1;
  }
}
