/**
 * The bench's state: one text, several tokenizers, the newest answer, and the place that is pointed at.
 *
 * It asks at once, with one question under way at a time: while an answer is awaited only the newest text waits. Of an
 * edited text the stretches around the edit are asked for; a long text comes in windows, the first of which stands while
 * the others are computed.
 */
import { write } from "./address";
import { api, asProblem, type Problem } from "./api";
import type { Cut, Spelling } from "./cut";
import { halves, whole } from "./glyphs";
import { differences, reuse, Sheet, stretchesOf, type Answer, type Frame, type Stretch } from "./sheet";

/** Characters of a window: an answer of a tenth of a second. */
const WINDOW = 16_000;
/** The limit of the API. */
export const MAX_CHARACTERS = 1 << 20;
/** Milliseconds between two views of a text that is still coming in. */
const PARTS = 500;
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
  sheet = $state.raw(new Sheet([], [], []));
  problem = $state<Problem | null>(null);
  /** The share of a long text that is done; null while nothing long is under way. */
  progress = $state<number | null>(null);
  lone = $state.raw<number[]>([]);
  /** How many characters a text had that was refused. */
  tooLong = $state<number | null>(null);
  pointed = $state.raw<Place | null>(null);
  pinned = $state.raw<Place | null>(null);
  private asking = false;
  private again = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = "";
  private readonly spellings = new Map<string, Spelling>();

  readonly cuts = $derived<Cut[]>(this.sheet.cuts);
  readonly marks = $derived(this.different ? differences(this.sheet.cuts) : []);

  get place(): Place | null {
    return this.pointed ?? this.pinned;
  }

  /** What a program would send for the same answer. Half a surrogate pair is no character: UTF-8 has none for it. */
  get body(): Record<string, unknown> {
    return { text: whole(this.text), tokenizers: [...this.tokenizers], special: this.special };
  }

  changed(): void {
    this.pinned = this.pointed = null;
    this.lone = halves(this.text);
    void this.ask();
    this.shown();
  }

  shown(): void {
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
      this.progress = null;
    }
    if (this.again) void this.ask();
  }

  private async answer(): Promise<void> {
    const text = whole(this.text);
    const tokenizers = [...this.tokenizers];
    const special = this.special;
    const asked = JSON.stringify([tokenizers, special]);
    const old = asked === this.asked ? this.sheet : new Sheet([], [], []);
    const [head, tail] = old.kept(text);
    if (asked === this.asked && head + tail === old.stretches.length && text.length === old.length && old.frames.length > 0) return;
    let kept = old.stretches.slice(old.stretches.length - tail);
    let replaced = old.stretches.slice(head, old.stretches.length - tail);
    const done: Stretch[] = old.stretches.slice(0, head);
    let end = text.length - kept.reduce((sum, { bytes }) => sum + bytes.text.length, 0);
    let frames: Frame[] = old.frames;
    let from = old.index[head] ?? 0;
    let window = WINDOW;
    let shown = 0;
    do {
      this.progress = end - from > WINDOW || this.progress !== null ? from / end : null;
      const to = Math.min(end, from + window);
      const open = to < end;
      // Not inside a pair of surrogates.
      const piece = text.slice(from, open && /[\ud800-\udbff]/.test(text.charAt(to - 1)) ? to - 1 : to);
      const context = done.at(-1)?.bytes;
      const answer = await api.post<Answer>("exhibits/tokens/bench", { text: (context?.text ?? "") + piece, tokenizers, special, form: "columns" });
      // A newer text needs another answer, unless this one is all that is missing.
      if (this.again && open) return;
      if (context && answer.unsure > context.length) {
        // What stands before may matter: the whole text is cut.
        [replaced, kept, from, end, window] = [old.stretches, [], 0, text.length, text.length];
        done.length = 0;
        continue;
      }
      const found = await stretchesOf(piece, answer, this.spellings, { open, skip: context?.length ?? 0, old: replaced });
      if (open && found.stretches.length === 0) {
        window = end - from;
        continue;
      }
      frames = this.alike(frames, found.frames);
      if (!open && window === WINDOW) reuse(replaced, found.stretches);
      done.push(...found.stretches);
      from += found.stretches.reduce((sum, { bytes }) => sum + bytes.text.length, 0);
      // What is there of a long text is shown now and then: each time costs as much as all of it.
      if (open && this.sheet.length > 0 && asked === this.asked && performance.now() - shown < PARTS) continue;
      shown = performance.now();
      this.asked = asked;
      this.sheet = new Sheet(open ? [...done] : [...done, ...kept], frames, tokenizers);
    } while (from < end);
  }

  private alike(old: Frame[], fresh: Frame[]): Frame[] {
    return fresh.map(({ before, after }, k) => {
      const was = old[k];
      return { before: was?.before.same(before) ? was.before : before, after: was?.after.same(after) ? was.after : after };
    });
  }
}
