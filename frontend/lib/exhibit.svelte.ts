/** One exhibit on its page: its parameters, which live in the address, and the newest answer to them. */
import { write } from "./address";
import { api, asProblem, type Problem } from "./api";
import { fromQuery, toQuery, type Values } from "./form";
import { type FieldSpec, fieldsOf } from "./schema";
import { writers } from "./tuning";
import type { Artifact, Catalogue, ExhibitCard } from "./types";

/** So long after the last key the question is asked; a slider asks while it moves. */
const PAUSE_MS = 250;

export class Exhibit {
  card = $state<ExhibitCard | null>(null);
  models = $state<Artifact[] | null>(null);
  model = $state("");
  fields = $state<FieldSpec[]>([]);
  values = $state<Values>({});
  result = $state.raw<unknown>(null);
  problem = $state<Problem | null>(null);
  busy = $state(false);
  readonly path: string;
  private asked: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly wing: string,
    private readonly slug: string,
  ) {
    this.path = `exhibits/${wing}/${slug}`;
  }

  /** What is sent: every parameter, also where it has its default, so that copied code says all that it does. */
  get body(): Values {
    return { ...(this.card?.needs_model ? { model: this.model } : {}), ...this.values };
  }

  async open(): Promise<void> {
    this.problem = null;
    try {
      const { wings } = await api.get<Catalogue>("catalogue");
      const card = wings.find(({ slug }) => slug === this.wing)?.exhibits.find(({ slug }) => slug === this.slug) ?? null;
      if (card?.needs_model) this.models = writers((await api.get<{ items: Artifact[] }>("models")).items);
      const query = new URLSearchParams(location.search);
      this.fields = fieldsOf(card?.params ?? { properties: {} }).filter(({ name }) => name !== "model");
      this.values = fromQuery(this.fields, query);
      this.model = this.models?.find(({ id }) => id === query.get("model"))?.id ?? this.models?.[0]?.id ?? "";
      this.card = card;
      if (this.model) write({ model: this.model }); // a link to this page then opens the same model
      if (card && (!card.needs_model || this.model)) await this.ask();
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  /** Changes parameters; the address follows at once, the answer a moment later. */
  set(values: Values): void {
    Object.assign(this.values, values);
    this.changed();
  }

  choose(model: string): void {
    this.model = model;
    this.changed();
  }

  private changed(): void {
    write({ ...toQuery(this.fields, this.values), ...(this.card?.needs_model ? { model: this.model } : {}) });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), PAUSE_MS);
  }

  /** Asks the server; an answer to an older question is never shown over a newer one. */
  async ask(): Promise<void> {
    this.asked?.abort();
    const asking = (this.asked = new AbortController());
    this.busy = true;
    try {
      const result = await api.post<unknown>(this.path, this.body, { signal: asking.signal });
      if (asking !== this.asked) return;
      this.result = result;
      this.problem = null;
    } catch (error) {
      if (asking !== this.asked) return;
      this.problem = asProblem(error);
    } finally {
      if (asking === this.asked) this.busy = false;
    }
  }
}
