/** One prompt answered by several models, one after another: the worker reads one request at a time, and so do we. */
import { api, asProblem, Problem, send } from "./api";
import { BLANK, type Blank, type Filled } from "./blanks";
import { t } from "./i18n";
import { lines } from "./ndjson";

export interface Asked {
  key: string;
  model: string;
  /** Without its adapter a fine-tuned model answers as its base does. */
  adapter: boolean;
  /** Written by the template that the model was tuned with, or by the one that is given, as for a base that has none. */
  instruction: boolean;
  template?: string;
  /** A masked model, which says what belongs into the blanks of the text. */
  fills?: boolean;
  /** What it reads, where that is not the common prompt. */
  prompt?: string;
}

export interface Manner {
  prompt: string;
  max_tokens: number;
  temperature: number;
  seed: number;
}

export interface Answer {
  prompt: string;
  text: string;
  /** `blankless`: a masked model was given no blank, so that there is nothing for it to say. */
  state: "waiting" | "writing" | "done" | "failed" | "blankless";
  problem: Problem | null;
  /** What belongs into the blanks, of a masked model. */
  blanks: readonly Blank[] | null;
}

interface Frame {
  text?: string | null;
  id?: number | null;
  error?: { code?: string; message?: string; status?: number } | null;
}

export class Answers {
  of = $state.raw<Readonly<Record<string, Answer>>>({});
  busy = $state(false);
  private stopping: AbortController | null = null;

  /** Asks all of them. What was written before goes. */
  async ask(all: Asked[], manner: Manner): Promise<void> {
    this.stop();
    const stopping = (this.stopping = new AbortController());
    this.busy = true;
    const blank = { text: "", state: "waiting", problem: null, blanks: null } as const;
    this.of = Object.fromEntries(all.map(({ key, prompt }) => [key, { ...blank, prompt: prompt ?? manner.prompt }]));
    for (const asked of all) {
      if (stopping.signal.aborted) break;
      await this.one(asked, manner, stopping.signal);
    }
    if (this.stopping === stopping) this.busy = false;
  }

  stop(): void {
    this.stopping?.abort();
    this.stopping = null;
    this.busy = false;
    this.of = Object.fromEntries(Object.entries(this.of).map(([key, answer]) => [key, { ...answer, state: answer.state === "failed" || answer.state === "blankless" ? answer.state : "done" } as Answer]));
  }

  private async one({ key, model, adapter, instruction, template, fills, prompt: own }: Asked, manner: Manner, signal: AbortSignal): Promise<void> {
    const prompt = own ?? manner.prompt;
    if (fills && !prompt.includes(BLANK)) return this.change(key, { state: "blankless" });
    this.change(key, { state: "writing" });
    try {
      if (fills) {
        const { blanks } = await api.post<Filled>(`models/${model}/fill`, { text: prompt }, { signal });
        return this.change(key, { state: "done", blanks });
      }
      const body = { ...manner, prompt, adapter, instruction, ...(instruction && template !== undefined ? { template } : {}) };
      const response = await send("POST", `models/${model}/generate`, body, { signal });
      for await (const line of lines(response)) {
        const frame = line as Frame;
        if (frame.error) throw new Problem(frame.error.status ?? 500, t("The model could not go on."), frame.error.message ?? "");
        if (typeof frame.id === "number") this.change(key, { text: (this.of[key]?.text ?? "") + (frame.text ?? "") });
      }
      this.change(key, { state: "done" });
    } catch (error) {
      if (!signal.aborted) this.change(key, { state: "failed", problem: asProblem(error) });
    }
  }

  private change(key: string, changes: Partial<Answer>): void {
    const before = this.of[key];
    if (before) this.of = { ...this.of, [key]: { ...before, ...changes } };
  }
}
