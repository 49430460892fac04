/** The state of a page in its address: what is chosen can be sent to someone as a link, and survives a reload. */

export function read(name: string): string | null {
  return new URLSearchParams(location.search).get(name);
}

/** Puts values into the address without a new entry in the history; null and "" take one out. */
export function write(values: Record<string, string | null>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const search = query.toString();
  const next = location.pathname + (search ? `?${search}` : "") + location.hash;
  if (next !== location.pathname + location.search + location.hash) history.replaceState(history.state, "", next);
}
