/** What the page says about a run: states, reasons, failures and events as sentences. */
import { count, duration } from "./format";
import { language, t } from "./i18n";
import { ACTIVE, TERMINAL, type RunEvent } from "./run";

/** Sentences one after another; Chinese needs no space between them. */
export function sentences(...parts: (string | null | undefined | false)[]): string {
  return parts.filter(Boolean).join(language.startsWith("zh") ? "" : " ");
}

export function statusWord(status: string): string {
  const words: Record<string, string> = {
    queued: t("Waiting"),
    starting: t("Getting ready"),
    running: t("In training"),
    pausing: t("Pausing"),
    paused: t("Paused"),
    done: t("Done"),
    failed: t("Failed"),
    stopped: t("Stopped"),
  };
  return words[status] ?? status;
}

/** The look of a status: one of the classes of `.status`. */
export function statusClass(status: string): string {
  if (ACTIVE.has(status)) return "live";
  if (status === "failed") return "failed";
  return TERMINAL.has(status) ? "done" : "waiting";
}

export interface Advice {
  title: string;
  advice: string;
}

/** What went wrong in a word, and what to do about it. */
export function failureWords(failure: string | null): Advice {
  const words: Record<string, Advice> = {
    bad_input: {
      title: t("The input does not fit"),
      advice: t("Look at the message below, change the text or the settings, and train again."),
    },
    out_of_memory: {
      title: t("It ran out of memory"),
      advice: t("Take a smaller batch, a shorter block or a smaller model; accumulation keeps the effective batch."),
    },
    nan_loss: {
      title: t("The numbers ran away"),
      advice: t("Usually the learning rate is too high: try a third of it, or a longer warm-up."),
    },
    time_limit: {
      title: t("It reached the time limit"),
      advice: t("Take fewer steps or a smaller model."),
    },
    hung: {
      title: t("It stopped answering"),
      advice: t("The engine did nothing for too long and was ended. Training again usually helps."),
    },
    poison: {
      title: t("It brought its worker down three times"),
      advice: t("The run is not tried again by itself. The log below says how each attempt ended."),
    },
    internal: {
      title: t("Something broke on our side"),
      advice: t("The message below and the log say more. Nothing that was recorded is lost."),
    },
  };
  return words[failure ?? ""] ?? (words.internal as Advice);
}

/** One line of the run's story. */
export function eventWords({ type, data }: RunEvent): string {
  const step = typeof data.step === "number" ? count(data.step) : "";
  switch (type) {
    case "status":
      return statusSentence(data);
    case "sample":
      return t("A sample was written at step {step}.", { step });
    case "probe":
      return t("The pinned sentence was looked at, at step {step}.", { step });
    case "checkpoint":
      return t("The state was saved at step {step}.", { step });
    case "artifact":
      return data.kind === "model" ? t("The model is in the library.") : t("The tokenizer is in the library.");
    case "log":
      return String(data.message ?? "");
    default:
      return type;
  }
}

function statusSentence(data: Record<string, unknown>): string {
  const status = String(data.status ?? "");
  const attempt = typeof data.attempt === "number" ? data.attempt : 0;
  const lost: Record<string, string> = {
    worker_lost: t("The worker was lost; the run goes back into the line."),
    preempted: t("The worker was shut down; the run goes back into the line."),
    disk_full: t("The disk is full; the run waits for space."),
    resumed: t("Resumed; the run is in the line again."),
  };
  if (status === "queued") return lost[String(data.reason)] ?? t("The run was put into the line.");
  if (status === "starting") {
    return attempt > 1 ? t("Attempt {n}: a worker took the run.", { n: attempt }) : t("A worker took the run.");
  }
  const words: Record<string, string> = {
    running: t("Training began."),
    pausing: t("Pausing was asked for."),
    paused: t("Paused; everything is kept."),
    done: t("Done."),
    failed: failureWords(String(data.failure ?? "")).title,
    stopped: t("Stopped."),
  };
  return words[status] ?? statusWord(status);
}

/** How the page is connected, in a word; null where there is nothing to say. */
export function connectionWords(state: string): string | null {
  const words: Record<string, string> = {
    connecting: t("Connecting"),
    live: t("Live"),
    polling: t("Live, by asking again and again"),
    lost: t("The connection is lost. Trying again; the run goes on."),
    offline: t("You are offline. The run goes on, and the page will catch up."),
    signed_out: t("You are signed out. Sign in again to follow the run."),
    absent: t("This run does not exist any more."),
  };
  return words[state] ?? null;
}

/** Seconds left by the pace of the newest steps; null where it cannot be said. */
export function secondsLeft(steps: number | null, at: ArrayLike<number>, seconds: ArrayLike<number>): number | null {
  const last = at.length - 1;
  const from = Math.max(0, last - 30);
  if (steps === null || last < 1) return null;
  const pace = ((seconds[last] as number) - (seconds[from] as number)) / ((at[last] as number) - (at[from] as number));
  return Number.isFinite(pace) ? Math.max(0, (steps - (at[last] as number)) * pace) : null;
}

export function timeLeft(seconds: number): string {
  return seconds < 1.5 ? t("a moment left") : t("{time} left", { time: duration(seconds) });
}

/** A time on an axis: 45 -> "0:45", 3725 -> "1:02:05" */
export function clock(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const minutes = seconds / 60;
  return minutes < 60
    ? `${Math.floor(minutes)}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
