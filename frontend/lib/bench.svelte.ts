/**
 * The bench's state: one text, several tokenizers, the newest answer, and the place that is pointed at.
 *
 * It asks at once, with one question under way at a time: while an answer is awaited only the newest text waits. Long
 * texts are asked for one tokenizer after the other, so that the first column stands while the others are computed.
 */
import { write } from "./address";
import { api, asProblem, type Problem } from "./api";
import { Bytes, Cut, differences, type Cutting } from "./cut";
import { halves, whole } from "./glyphs";

/** Characters up to which all tokenizers answer together. */
const TOGETHER = 40_000;
/** The limit of the API. */
export const MAX_CHARACTERS = 1 << 20;
const LONGEST_IN_ADDRESS = 2_000;

export type View = "text" | "ids" | "bytes";
export type Place = { start: number; end: number };

export class Bench {
  text = $state("");
  tokenizers = $state<string[]>([]);
  special = $state(true);
  spaces = $state(false);
  different = $state(false);
  view = $state<View>("text");
  cuts = $state.raw<Cut[]>([]);
  bytes = $state.raw(new Bytes(""));
  marks = $state.raw<Uint8Array[]>([]);
  problem = $state<Problem | null>(null);
  waiting = $state(0);
  lone = $state<number[]>([]);
  pointed = $state.raw<Place | null>(null);
  pinned = $state.raw<Place | null>(null);
  private asking = false;
  private again = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  get place(): Place | null {
    return this.pointed ?? this.pinned;
  }

  /** What a program would send for the same answer. */
  get body(): Record<string, unknown> {
    return { text: this.sent, tokenizers: [...this.tokenizers], special: this.special };
  }

  /** Half a surrogate pair is no character: UTF-8 has none for it, and the replacement character is what gets sent. */
  private get sent(): string {
    return whole(this.text);
  }

  changed(): void {
    this.pinned = this.pointed = null;
    this.lone = halves(this.text);
    void this.ask();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.remember(), 300);
  }

  private remember(): void {
    write({
      text: this.text.length <= LONGEST_IN_ADDRESS ? this.text : null,
      tokenizers: JSON.stringify(this.tokenizers),
      special: this.special ? null : "false",
      spaces: this.spaces ? "true" : null,
      different: this.different ? "true" : null,
      view: this.view === "text" ? null : this.view,
    });
  }

  shown(): void {
    this.remember();
  }

  async ask(): Promise<void> {
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    try {
      do {
        this.again = false;
        await this.answer();
      } while (this.again);
      this.problem = null;
    } catch (error) {
      this.problem = asProblem(error);
    } finally {
      this.asking = false;
      this.waiting = 0;
    }
    if (this.again) void this.ask();
  }

  private async answer(): Promise<void> {
    const { text, special, tokenizers } = this.body as { text: string; special: boolean; tokenizers: string[] };
    const parts = text.length <= TOGETHER ? [tokenizers] : tokenizers.map((id) => [id]);
    const bytes = new Bytes(text);
    const cuts: Cut[] = [];
    for (const part of parts) {
      this.waiting = parts.length > 1 ? tokenizers.length - cuts.length : 0;
      const found = await api.post<{ tokenizers: Cutting[] }>("exhibits/tokens/bench", { text, tokenizers: part, special, form: "columns" });
      if (this.again && parts.length > 1) return;
      cuts.push(...found.tokenizers.map(({ id, columns, counts }) => new Cut(bytes, id, columns, counts)));
      if (parts.length > 1) this.show(bytes, [...cuts]);
    }
    this.show(bytes, cuts);
  }

  private show(bytes: Bytes, cuts: Cut[]): void {
    this.bytes = bytes;
    this.marks = differences(cuts);
    this.cuts = cuts;
  }
}
