/** One prompt answered by several models, one after another: the worker reads one request at a time, and so do we. */
import { asProblem, Problem, send } from "./api";
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
  state: "waiting" | "writing" | "done" | "failed";
  problem: Problem | null;
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
    const blank: Answer = { prompt: manner.prompt, text: "", state: "waiting", problem: null };
    this.of = Object.fromEntries(all.map(({ key }) => [key, blank]));
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
    this.of = Object.fromEntries(Object.entries(this.of).map(([key, answer]) => [key, { ...answer, state: answer.state === "failed" ? "failed" : "done" } as Answer]));
  }

  private async one({ key, model, adapter, instruction, template }: Asked, manner: Manner, signal: AbortSignal): Promise<void> {
    this.change(key, { state: "writing" });
    try {
      const body = { ...manner, adapter, instruction, ...(instruction && template !== undefined ? { template } : {}) };
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
