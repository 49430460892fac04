/** A talk with a model: what is asked, what streams in, and every branch that was taken. */
import { asProblem, Problem, send } from "./api";
import { read, write } from "./address";
import { fork, type Alternative, type Branch, type Token } from "./branches";
import { t } from "./i18n";
import { lines } from "./ndjson";

export interface Settings {
  prompt: string;
  temperature: number;
  top_k: number;
  top_p: number;
  max_tokens: number;
  seed: number;
}

/** `top_k` 0 and `top_p` 1 leave every token in the running. */
export const DEFAULTS: Settings = { prompt: "", temperature: 0.8, top_k: 0, top_p: 1, max_tokens: 120, seed: 1 };
export const MOST_TOKENS = 512;
/** A top-k above any vocabulary cuts nothing off. */
const EVERY_TOKEN = 100_000;

interface Frame {
  prompt_tokens?: { id: number; text: string }[] | null;
  id?: number | null;
  text?: string | null;
  probability?: number | null;
  alternatives?: Alternative[] | null;
  error?: { code?: string; message?: string; status?: number } | null;
}

export class Talk {
  settings = $state<Settings>(fromAddress());
  branches = $state.raw<Branch[]>([]);
  current = $state<number | null>(null);
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** Whether the prompt is an instruction, which the model's own template writes. */
  instruction = $state(false);

  private next = 1;
  private stopping: AbortController | null = null;
  private asked = "";

  constructor(readonly model: string) {}

  get branch(): Branch | null {
    return this.branches.find(({ id }) => id === this.current) ?? null;
  }

  set(changes: Partial<Settings>): void {
    Object.assign(this.settings, changes);
    const { settings } = this;
    const said = Object.entries(settings).map(([name, value]) => [name, value === DEFAULTS[name as keyof Settings] ? null : String(value)]);
    write(Object.fromEntries(said) as Record<string, string | null>);
  }

  /** Begins anew. Asking the same once more takes the next seed: one wants to see another text. */
  async generate(): Promise<void> {
    const asked = (): string => JSON.stringify([this.settings, this.instruction]);
    if (this.asked === asked()) this.set({ seed: this.settings.seed + 1 });
    this.asked = asked();
    const id = this.next++;
    await this.run({ id, prompt: this.settings.prompt, parent: null, shared: 0, tokens: [], ended: false });
  }

  /** Goes on with another token in the place of one. */
  async take(index: number, alternative: Alternative): Promise<void> {
    const from = this.branch;
    if (from === null) return;
    this.stop();
    await this.run(fork(from, index, alternative, this.next++));
  }

  show(id: number): void {
    this.stop();
    this.current = id;
  }

  stop(): void {
    this.stopping?.abort();
  }

  private async run(branch: Branch): Promise<void> {
    this.stop();
    const stopping = (this.stopping = new AbortController());
    this.branches = [...this.branches, branch];
    this.current = branch.id;
    this.problem = null;
    this.busy = true;
    try {
      await this.read(branch, stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) this.problem = asProblem(error);
    } finally {
      this.change(branch.id, { ended: true });
      if (this.stopping === stopping) {
        this.stopping = null;
        this.busy = false;
      }
      if (branch.parent === null) this.forgetIfEmpty(branch.id);
    }
  }

  private async read(branch: Branch, signal: AbortSignal): Promise<void> {
    const { temperature, top_k, top_p, max_tokens, seed } = this.settings;
    const left = Math.min(MOST_TOKENS, Math.max(1, max_tokens - branch.tokens.length));
    const body = {
      prompt: branch.prompt,
      ids: branch.tokens.length > 0 ? branch.tokens.map(({ id }) => id) : null,
      max_tokens: left,
      temperature,
      top_k: top_k > 0 ? top_k : EVERY_TOKEN,
      top_p,
      seed,
      ...(this.instruction ? { instruction: true } : {}),
    };
    const response = await send("POST", `models/${this.model}/generate`, body, { signal });
    for await (const line of lines(response)) {
      const frame = line as Frame;
      if (frame.error) throw new Problem(frame.error.status ?? 500, t("The model could not go on."), frame.error.message ?? "");
      if (typeof frame.id === "number") this.grow(branch.id, frame);
    }
  }

  private grow(id: number, frame: Frame): void {
    const token: Token = { id: frame.id as number, text: frame.text ?? "", probability: frame.probability ?? 0, alternatives: frame.alternatives ?? [] };
    this.branches = this.branches.map((branch) => (branch.id === id ? { ...branch, tokens: [...branch.tokens, token] } : branch));
  }

  private change(id: number, changes: Partial<Branch>): void {
    this.branches = this.branches.map((branch) => (branch.id === id ? { ...branch, ...changes } : branch));
  }

  /** A try that gave nothing is no way to go back to. */
  private forgetIfEmpty(id: number): void {
    if (this.branches.find((branch) => branch.id === id)?.tokens.length !== 0) return;
    this.branches = this.branches.filter((branch) => branch.id !== id);
    this.asked = "";
    if (this.current === id) this.current = this.branches.at(-1)?.id ?? null;
  }
}

function fromAddress(): Settings {
  const number = (name: keyof Settings, low: number, high: number): number => {
    const value = Number(read(name) ?? DEFAULTS[name]);
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : (DEFAULTS[name] as number);
  };
  return {
    prompt: read("prompt") ?? DEFAULTS.prompt,
    temperature: number("temperature", 0, 2),
    top_k: Math.round(number("top_k", 0, 1000)),
    top_p: number("top_p", 0.01, 1),
    max_tokens: Math.round(number("max_tokens", 1, MOST_TOKENS)),
    seed: Math.round(number("seed", 0, 2 ** 31)),
  };
}
