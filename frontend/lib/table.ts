/** Rows as CSV (RFC 4180), with a byte order mark so that spreadsheets read Chinese. */
export type Row = Record<string, string | number | boolean | null>;

export function csv(rows: Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? null))];
  return "\ufeff" + lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

function cell(value: string | number | boolean | null): string {
  const text = value === null ? "" : String(value);
  // A cell that begins like a formula would be run by a spreadsheet: tokens such as "=" are data here.
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
