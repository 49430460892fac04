/** Files on their way into the library: how far each is, what the server says, and a way to stop it. */
import { asProblem, type Problem, Problem as Refusal, upload } from "../../lib/api";
import { bytes } from "../../lib/format";
import { t } from "../../lib/i18n";
import type { Artifact, Kind } from "../../lib/types";

export type Sending = { id: number; name: string; share: number; problem: Problem | null; cancel: () => void };

let next = 1;

export class Uploads {
  list = $state<Sending[]>([]);

  /** `limits` are the most bytes of each sort, where the server told them; `arrived` hears what came in. */
  constructor(
    private readonly limits: () => Partial<Record<Kind, number>>,
    private readonly arrived: (kind: Kind, artifact: Artifact) => void,
  ) {}

  /** Sends files one after the other started, all at once running; each is its own line. */
  start(kind: Kind, files: File[]): void {
    for (const file of files) void this.send(kind, file);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((sending) => sending.id !== id);
  }

  private async send(kind: Kind, file: File): Promise<void> {
    const id = next++;
    const limit = this.limits()[kind];
    if (limit !== undefined && file.size > limit) {
      const words = t("It has {size}; at most {limit} are taken.", { size: bytes(file.size), limit: bytes(limit) });
      this.list.push({ id, name: file.name, share: 0, problem: new Refusal(413, t("This file is too large."), words), cancel: () => undefined });
      return;
    }
    const { done, cancel } = upload<Artifact>(kind, file, { name: nameOf(file) }, (share) => this.change(id, { share }));
    this.list.push({ id, name: file.name, share: 0, problem: null, cancel });
    try {
      const artifact = await done;
      this.dismiss(id);
      this.arrived(kind, artifact);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") this.dismiss(id);
      else this.change(id, { problem: asProblem(error) });
    }
  }

  private change(id: number, change: Partial<Sending>): void {
    const sending = this.list.find((each) => each.id === id);
    if (sending) Object.assign(sending, change);
  }
}

/** The name that a file gets at first: its own, without the ending and without underscores. */
export function nameOf(file: File): string {
  return file.name.replace(/\.(txt|text|md|jsonl?|csv|tsv|zip)$/i, "").replace(/_+/g, " ").trim() || file.name;
}
