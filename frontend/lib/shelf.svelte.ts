/** The tokenizers that can be used here, fetched once for a page. */
import type { Option } from "../components/Select.svelte";
import { api, upload } from "./api";
import { compact } from "./format";
import { t } from "./i18n";
import type { Artifact } from "./types";

export type Card = {
  id: string; title: string; algorithm: string; size: number; byte_level: boolean; origin: string; about: string; normalizes: boolean;
};

class Shelf {
  cards = $state.raw<Card[]>([]);
  /** Whether names on the hub can be asked for; null while that is not known. */
  hub = $state<boolean | null>(null);
  private loading: Promise<void> | null = null;

  load(): Promise<void> {
    this.loading ??= this.fetch();
    return this.loading;
  }

  private async fetch(): Promise<void> {
    const { items, hub } = await api.get<{ items: Card[]; hub: boolean }>("shelf");
    [this.cards, this.hub] = [items, hub];
  }

  card(id: string): Card | undefined {
    return this.cards.find((card) => card.id === id);
  }

  title(id: string): string {
    return this.card(id)?.title ?? id;
  }

  options(): Option[] {
    const groups: Record<string, string> = {
      starter: t("Ready here"), wheel: t("Ready here"), library: t("Your library"), shared: t("Shared"),
    };
    return this.cards.map(({ id, title, size, origin }) => ({
      value: id, label: size > 0 ? `${title} (${compact(size)})` : title, group: groups[origin] ?? "",
    }));
  }

  /** Takes a tokenizer in by its name on the hub. Returns its id; throws a Problem. */
  async fromHub(name: string): Promise<string> {
    const row = await api.post<Artifact>("tokenizers/hub", { name });
    await (this.loading = this.fetch());
    return row.id;
  }

  /** Takes a tokenizer's file, or vocab.json with merges.txt, into the library. Returns its id; throws a Problem. */
  async add(files: File[], onprogress: (share: number) => void): Promise<string> {
    const merges = files.find((file) => file.name.endsWith(".txt"));
    const main = files.find((file) => file !== merges) ?? merges;
    if (main === undefined) throw new Error("no file");
    const more: Record<string, File> = merges !== undefined && main !== merges ? { merges } : {};
    const row = await upload<Artifact>("tokenizers", main, more, onprogress).done;
    await (this.loading = this.fetch());
    return row.id;
  }
}

export const shelf = new Shelf();
