/** What each curve is called. */
import { t } from "./i18n";

export function seriesWord(name: string): string {
  const words: Record<string, string> = {
    loss: t("Training loss"),
    val_loss: t("Held-out loss"),
    perplexity: t("Perplexity"),
    bits_per_byte: t("Bits a byte"),
    accuracy: t("Accuracy"),
    val_accuracy: t("Accuracy, held out"),
    val_pair_accuracy: t("Pairs told right, held out"),
    learning_rate: t("Learning rate"),
    grad_norm: t("Gradient norm"),
    tokens_per_s: t("Tokens per second"),
    memory: t("Memory"),
  };
  return words[name] ?? name.replaceAll("_", " ");
}
