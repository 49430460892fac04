/** Hands a data or object address to the reader as a file. */
export function save(address: string, name: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name.replace(/[\\/:*?"<>|]+/g, " ").trim();
  link.click();
}
