/** What the library page holds: the artifacts of all three sorts, and what is done to them. */
import { api, asProblem, type Problem } from "../../lib/api";
import { t } from "../../lib/i18n";
import { toast } from "../../lib/toasts.svelte";
import type { Artifact, Kind, Limits } from "../../lib/types";
import { deleteLater } from "../../lib/undo";
import { Uploads } from "./uploads.svelte";

const KINDS: Kind[] = ["corpora", "tokenizers", "models"];
type Me = { limits: Limits };

export class Shelf {
  /** By sort; undefined while not loaded. */
  items = $state<Partial<Record<Kind, Artifact[]>>>({});
  problem = $state<Problem | null>(null);
  private limits: Partial<Record<Kind, number>> = {};
  readonly uploads = new Uploads(
    () => this.limits,
    (kind, artifact) => this.arrived(kind, artifact),
  );

  load(): void {
    this.problem = null;
    for (const kind of KINDS) {
      api.get<{ items: Artifact[] }>(kind).then(
        ({ items }) => (this.items[kind] = items),
        (error: unknown) => (this.problem = asProblem(error)),
      );
    }
    // Without the limits a file is refused by the server instead, only later.
    const learn = ({ limits }: Me): void => {
      this.limits = { corpora: limits.max_corpus_bytes, tokenizers: limits.max_tokenizer_bytes, models: limits.max_model_bytes };
    };
    api.get<Me>("me").then(learn, () => undefined);
  }

  async rename(kind: Kind, artifact: Artifact, name: string): Promise<void> {
    const renamed = await api.patch<Artifact>(`${kind}/${artifact.id}`, { name });
    this.items[kind] = this.items[kind]?.map((each) => (each.id === artifact.id ? renamed : each));
  }

  /** Takes it off the shelf with time for Undo; what a run reads is asked about at once, for the refusal is known. */
  remove(kind: Kind, artifact: Artifact): void {
    if (artifact.in_use > 0) {
      api.del(`${kind}/${artifact.id}`).then(() => this.load(), (error: unknown) => (this.problem = asProblem(error)));
      return;
    }
    const place = this.items[kind]?.findIndex((each) => each.id === artifact.id) ?? -1;
    if (place < 0) return;
    this.problem = null;
    this.items[kind] = this.items[kind]?.filter((each) => each.id !== artifact.id);
    deleteLater({
      message: t("“{name}” deleted", { name: shorten(artifact.name) }),
      send: (keepalive) => api.del(`${kind}/${artifact.id}`, { keepalive }),
      restore: () => (this.items[kind] = (this.items[kind] ?? []).toSpliced(place, 0, artifact)),
      refused: (error) => (this.problem = asProblem(error)),
    });
  }

  private arrived(kind: Kind, artifact: Artifact): void {
    const known = this.items[kind]?.some((each) => each.id === artifact.id) ?? false;
    const others = (this.items[kind] ?? []).filter((each) => each.id !== artifact.id);
    this.items[kind] = [artifact, ...others];
    const name = shorten(artifact.name);
    toast(known ? t("The library has this content already, as “{name}”.", { name }) : t("“{name}” is in the library.", { name }));
  }
}

function shorten(name: string): string {
  const characters = [...name];
  return characters.length > 48 ? `${characters.slice(0, 47).join("")}…` : name;
}
