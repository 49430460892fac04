/**
 * The batches of a run that is described by a form or has been queued: asked for a few at a time, kept by their number,
 * forgotten when the description changes. One batch is looked at, the next are on their way already.
 */
import { SvelteMap } from "svelte/reactivity";
import { api, asProblem, type Problem } from "./api";
import { Sheet, type Head, type Picture, type RunPreview } from "./preview";
import { Tally } from "./tally";

export type Asked = { kind: string; params: Record<string, unknown> };

const AT_ONCE = 4;
const PAUSE_MS = 500;

export class Feed {
  head = $state.raw<Head | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** Whether batches of this description are being asked for. */
  busy = $state(false);
  /** Whether what is shown belongs to an earlier description. */
  stale = $state(false);
  /** The batch that is looked at, counted from 0 over steps and their micro-batches. */
  at = $state(0);
  private shown = $state(0);
  private readonly batches = new SvelteMap<number, Picture>();
  private readonly seen = $state<number[]>([]);
  private asked: Asked | null = null;
  private coming = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: AbortController | undefined;

  /** The batch in sight: that of `at`, or while it is on its way the one before. */
  readonly picture = $derived(this.batches.get(this.shown) ?? null);
  readonly sheet = $derived(this.picture === null ? null : new Sheet(this.picture, this.head?.joint ?? null, this.head?.special.unk ?? null));
  readonly tally = $derived(new Tally(this.seen.flatMap((number) => this.batches.get(number)?.counts ?? [])));
  readonly micros = $derived(this.head?.micros ?? 1);
  readonly step = $derived(Math.floor(this.at / this.micros) + 1);
  readonly micro = $derived(this.at % this.micros);

  constructor(first = 0) {
    this.at = first;
  }

  /** Another description: its batches are asked for once it has been left alone for a moment. */
  describe(asked: Asked, pause = PAUSE_MS): void {
    if (JSON.stringify(asked) === JSON.stringify(this.asked)) return;
    this.asked = asked;
    this.stale = this.head !== null;
    this.asking?.abort();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(this.at, true), pause);
  }

  /** Looks at a batch by its number. */
  async go(number: number): Promise<void> {
    this.at = Math.max(0, number);
    if (this.batches.has(this.at)) {
      this.look(this.at);
      if (!this.batches.has(this.at + 1) && !this.busy) await this.load(this.at + 1);
    } else if (!(this.busy && this.at >= this.coming && this.at < this.coming + AT_ONCE)) {
      await this.load(this.at);
    }
  }

  async retry(): Promise<void> {
    await this.load(this.at, true);
  }

  /** The counts begin anew with the batch in sight. */
  recount(): void {
    this.seen.splice(0, this.seen.length, this.shown);
  }

  close(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  private async load(number: number, anew = false): Promise<void> {
    if (this.asked === null) return;
    clearTimeout(this.timer);
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.busy = true;
    this.coming = number;
    const body = { ...this.asked, step: Math.floor(number / this.micros) + 1, micro: number % this.micros, batches: AT_ONCE };
    try {
      this.take(await api.post<RunPreview>("jobs/preview", body, { signal: asking.signal }), anew);
      this.problem = null;
    } catch (error) {
      if (asking.signal.aborted) return;
      this.problem = asProblem(error);
    }
    this.busy = false;
  }

  private take({ batches, ...head }: RunPreview, anew: boolean): void {
    const numbers = batches.map(({ step, micro }) => (step - 1) * head.micros + micro);
    // The same batch as before: what was changed does not touch the batches, and the counts go on.
    const same = anew && numbers.length > 0 && JSON.stringify(batches[0]) === JSON.stringify(this.batches.get(numbers[0] as number));
    if (anew && !same) {
      this.batches.clear();
      this.seen.length = 0;
      this.at = numbers[0] ?? 0;
    }
    this.head = head;
    this.stale = false;
    batches.forEach((batch, i) => this.batches.set(numbers[i] as number, batch));
    if (this.batches.has(this.at)) this.look(this.at);
  }

  private look(number: number): void {
    this.shown = number;
    if (!this.seen.includes(number)) this.seen.push(number);
  }
}
