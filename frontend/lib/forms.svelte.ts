/** The forms in which a model can be taken along, and how far each is that a worker makes. */
import { api, asProblem, type Problem } from "./api";
import type { components } from "./api.generated";
import { t } from "./i18n";
import { repeat } from "./repeat";
import type { Artifact } from "./types";

export type Form = components["schemas"]["Export"];

export interface Words {
  title: string;
  about: string;
}

/** What each form is called, and what it is for. */
export function formWords(format: string): Words {
  const words: Record<string, Words> = {
    folder: { title: t("Hugging Face folder"), about: t("for transformers and everything that reads its models") },
    adapter: { title: t("PEFT adapter"), about: t("the adapter alone; its base is needed beside it") },
    merged: { title: t("Merged model"), about: t("the adapter added into its base's weights") },
    "gguf-f16": { title: t("GGUF, 16 bits"), about: t("for llama.cpp and programs built on it") },
    "gguf-q8_0": { title: t("GGUF, 8 bits (Q8_0)"), about: t("half the size, answers almost the same") },
    "gguf-q4_0": { title: t("GGUF, 4 bits (Q4_0)"), about: t("a quarter of the size, a little worse") },
  };
  return words[format] ?? { title: format, about: "" };
}

export function underWay({ state }: Form): boolean {
  return state === "waiting" || state === "running";
}

export class Forms {
  model = $state.raw<Artifact | null>(null);
  list = $state.raw<Form[]>([]);
  problem = $state.raw<Problem | null>(null);
  private readonly wanted = new Set<string>();

  /** `ready` hears of each form that was asked for here, once it is there. */
  constructor(
    readonly id: string,
    private readonly ready: (form: Form) => void,
  ) {}

  /** Looks again and again, quickly while something is being made; returns the way to stop. */
  follow(): () => void {
    return repeat(() => this.look(), () => (this.list.some(underWay) ? 700 : 10_000));
  }

  async make(format: string): Promise<void> {
    try {
      this.wanted.add(format);
      this.take(await api.post<Form>(`models/${this.id}/exports`, { format }));
      this.problem = null;
      await this.look();
    } catch (error) {
      this.wanted.delete(format);
      this.problem = asProblem(error);
    }
  }

  private async look(): Promise<void> {
    try {
      this.model ??= await api.get<Artifact>(`models/${this.id}`);
      const { items } = await api.get<{ items: Form[] }>(`models/${this.id}/exports`);
      this.list = items;
      for (const form of items) if (form.state === "done" && this.wanted.delete(form.format)) this.ready(form);
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  private take(form: Form): void {
    this.list = this.list.map((other) => (other.format === form.format ? form : other));
  }
}
