/** Numbers, sizes and times as people read them, in the language of the page. */
import { language, t, tn } from "./i18n";

const locale = language.startsWith("zh") ? "zh-CN" : "en";

/** 1115394 -> "1,115,394" */
export function count(value: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value);
}

/** At most `digits` decimals: 2.4142 -> "2.41" */
export function decimal(value: number, digits = 2): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

/** 1115394 -> "1.12 M"; the same short scale in every language, as the field writes it. */
export function compact(value: number): string {
  const steps: [number, string][] = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
  for (const [size, letter] of steps) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))} ${letter}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** Bytes in powers of 1024: 1115394 -> "1.06 MiB" */
export function bytes(value: number): string {
  if (value < 1024) return tn("{n} byte", "{n} bytes", { n: value });
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(value) / 10), units.length);
  return `${Number((value / 1024 ** power).toPrecision(3))} ${units[power - 1]}`;
}

/** 0.0123 -> "1.2 %"; below a tenth of a percent it says so rather than "0 %". */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${value >= 99.95 ? "100" : value.toFixed(1)} %`;
}

/** Seconds as the two largest units: 4000 -> "1 h 7 min" */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("{n} s", { n: whole });
  const minutes = Math.round(whole / 60);
  if (whole < 600) return t("{m} min {s} s", { m: Math.floor(whole / 60), s: whole % 60 });
  if (minutes < 60) return t("{n} min", { n: minutes });
  if (minutes < 48 * 60) return t("{h} h {m} min", { h: Math.floor(minutes / 60), m: minutes % 60 });
  return tn("{n} day", "{n} days", { n: Math.round(minutes / 1440) });
}

/** A moment as a distance: "3 minutes ago" */
export function ago(moment: string, now = Date.now()): string {
  const seconds = Math.round((Date.parse(moment) - now) / 1000);
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [[86400, "day"], [3600, "hour"], [60, "minute"]];
  for (const [size, unit] of steps) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return t("just now");
}

/** A moment in full, for titles. */
export function moment(value: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(value));
}
