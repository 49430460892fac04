/**
 * The attention of a run's pinned sentences: fetched when it is looked at, and before it is, outwards from there, so
 * that dragging through the run never waits. What was in sight stays until the next is there.
 */
import { SvelteMap } from "svelte/reactivity";
import { send } from "./api";
import type { Attention } from "./probes";

const AT_ONCE = 3;
/** Bytes that are kept; what is furthest from the step in sight goes first. */
const KEPT = 24 << 20;

export class Attentions {
  private readonly known = new SvelteMap<string, Attention | null>();
  private wanted: { step: number; sentence: number }[] = [];
  private busy = 0;
  private readonly ending = new AbortController();

  constructor(private readonly job: string) {}

  /** The attention of a sentence at a step: undefined until it is there, null where none was kept. */
  at(step: number, sentence: number): Attention | null | undefined {
    return this.known.get(`${step}/${sentence}`);
  }

  /** Says where one looks: that first, then its neighbours on both sides, further and further away. */
  look(steps: readonly number[], index: number, sentence: number): void {
    const order = steps.map((step, i) => ({ step, sentence, far: Math.abs(i - index) })).sort((a, b) => a.far - b.far);
    this.forget(order.map(({ step }) => `${step}/${sentence}`));
    this.wanted = order.filter(({ step }) => !this.known.has(`${step}/${sentence}`));
    while (this.busy < AT_ONCE && this.wanted.length > 0) void this.work();
  }

  close(): void {
    this.ending.abort();
  }

  /** Drops what does not fit: other sentences first, then what is furthest away. */
  private forget(order: string[]): void {
    const rank = (key: string): number => (order.indexOf(key) < 0 ? order.length : order.indexOf(key));
    let room = KEPT / 2; // the other half is for what is fetched now
    for (const key of [...this.known.keys()].sort((a, b) => rank(a) - rank(b))) {
      room -= this.known.get(key)?.codes.length ?? 0;
      if (room < 0) this.known.delete(key);
    }
  }

  private async work(): Promise<void> {
    this.busy += 1;
    for (let next = this.wanted.shift(); next !== undefined && this.room(); next = this.wanted.shift()) {
      const { step, sentence } = next;
      const key = `${step}/${sentence}`;
      if (this.known.has(key)) continue;
      const found = await this.fetch(step, sentence);
      if (found !== undefined) this.known.set(key, found);
    }
    this.busy -= 1;
  }

  private room(): boolean {
    return [...this.known.values()].reduce((sum, kept) => sum + (kept?.codes.length ?? 0), 0) < KEPT;
  }

  /** Null where there is none; undefined where it could not be asked for, and is asked again at the next look. */
  private async fetch(step: number, sentence: number): Promise<Attention | null | undefined> {
    try {
      const response = await send("GET", `jobs/${this.job}/probes/${step}/${sentence}/attention`, undefined, { signal: this.ending.signal });
      const [layers, heads, tokens] = (response.headers.get("X-Shape") ?? "").split(",").map(Number);
      const codes = new Uint8Array(await response.arrayBuffer());
      return { codes, layers: layers ?? 0, heads: heads ?? 0, tokens: tokens ?? 0 };
    } catch (error) {
      return error instanceof Error && "status" in error && error.status === 404 ? null : undefined;
    }
  }
}
