/** Everything that the page holds of a run's probes: which step, sentence and head are in sight, and what was fetched. */
import { read, write } from "./address";
import { api } from "./api";
import type { components } from "./api.generated";
import { Attentions } from "./attention.svelte";
import type { Following } from "./following.svelte";
import { unpack } from "./packed";
import type { About, Attention, ProbeRecord } from "./probes";
import { textAt } from "./probes";
import { Scrub } from "./scrub.svelte";
import { currentTheme, onTheme } from "./theme";
import { nameOf } from "./tokens";

/** The points of all steps change with each new one; a run that has many at once is not asked for each. */
const POINTS_AFTER_MS = 400;

export interface Points {
  words: string[];
  steps: number[];
  values: Float32Array;
}

export class Watching {
  sentence = $state(0);
  layer = $state(0);
  head = $state(0);
  row = $state(Infinity);
  points = $state.raw<Points | null>(null);
  theme = $state<"light" | "dark">(currentTheme());
  readonly scrub: Scrub;

  private readonly attentions: Attentions;
  private last: Attention | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly stopTheme: () => void;

  constructor(private readonly run: Following) {
    this.scrub = new Scrub(() => this.steps);
    this.attentions = new Attentions(run.id);
    this.stopTheme = onTheme((theme) => (this.theme = theme));
    const number = (name: string): number => Math.max(0, Math.floor(Number(read(name) ?? 0)) || 0);
    const step = number("probe");
    if (step > 0) this.scrub.chosen = step;
    [this.sentence, this.layer, this.head] = [number("sentence"), Math.max(0, number("layer") - 1), Math.max(0, number("head") - 1)];
  }

  get records(): readonly ProbeRecord[] {
    return this.run.state.probes;
  }

  readonly steps = $derived.by(() => this.records.map(({ step }) => step));
  readonly about = $derived.by((): About | null => this.records.find(({ about }) => about !== undefined)?.about ?? null);
  readonly record = $derived.by((): ProbeRecord | null => this.records[this.scrub.index] ?? null);

  /** The sentence in sight, which the address may have named beyond the last. */
  get at(): number {
    return Math.min(this.sentence, Math.max(0, (this.about?.sentences.length ?? 1) - 1));
  }

  readonly names = $derived.by((): string[] => {
    const tokens = this.about?.sentences[this.at]?.tokens ?? [];
    return tokens.map((_, i) => nameOf(tokens, i));
  });

  get causal(): boolean {
    return this.about?.sight !== "full";
  }

  /** The attention in sight; while it is on its way, what was in sight before. */
  readonly attention = $derived.by((): Attention | null => {
    const step = this.scrub.step;
    const found = step === null ? null : this.attentions.at(step, this.at);
    if (found !== undefined) this.last = found;
    const kept = this.last;
    return kept?.tokens === this.names.length ? kept : null;
  });

  /** The text that was written last at or before the step in sight. */
  readonly text = $derived.by(() => {
    const own = this.records.flatMap(({ step, sample }) => (sample ? [{ step, blanks: null, ...sample }] : []));
    return this.scrub.step === null ? null : textAt([...own, ...this.run.state.samples], this.scrub.step);
  });

  /** Fetches what is in sight and its neighbours; called when either changes. */
  look(): void {
    if (this.about !== null) this.attentions.look(this.steps, this.scrub.index, this.at);
  }

  /** Fetches the points of the words a moment after the last new record. */
  place(): void {
    if ((this.about?.words.length ?? 0) === 0 || this.points?.steps.length === this.steps.length) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.fetchPoints(), this.points === null ? 0 : POINTS_AFTER_MS);
  }

  remember(): void {
    const { at, layer, head, scrub } = this;
    write({
      probe: scrub.following ? null : String(scrub.step),
      sentence: at === 0 ? null : String(at),
      layer: layer === 0 ? null : String(layer + 1),
      head: head === 0 ? null : String(head + 1),
    });
  }

  close(): void {
    this.scrub.pause();
    this.attentions.close();
    this.stopTheme();
    clearTimeout(this.timer);
  }

  private async fetchPoints(): Promise<void> {
    const found = await api.get<components["schemas"]["ProbePoints"]>(`jobs/${this.run.id}/probes/points`).catch(() => null);
    if (found !== null) this.points = { words: found.words, steps: found.steps, values: unpack(found.points) as Float32Array };
  }
}
