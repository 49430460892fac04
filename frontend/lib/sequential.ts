/**
 * One scale of colours for everything that runs from nothing to much: cividis (Nuñez, Anderton and Renslow, 2018),
 * which looks the same to people who tell red and green apart and to those who do not. It begins at the colour that is
 * nearest to the page: on paper at the bright end, in the dark at the other; and the least of it is the page itself.
 */
const CIVIDIS = [
  [0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56],
] as const;

/** Where the scale no longer lets the page through, and how little of it stands for nothing at all. */
const OPAQUE = 0.45;
const LEAST = 0.07;

function opacity(at: number): number {
  return LEAST + (1 - LEAST) * Math.min(1, at / OPAQUE);
}

/** 256 colours, four bytes each (red, green, blue, opacity), from the least to the most. */
export function scale(theme: "light" | "dark"): Uint8Array {
  const stops = theme === "light" ? [...CIVIDIS].reverse() : CIVIDIS;
  const table = new Uint8Array(256 * 4);
  for (let i = 0; i < 256; i += 1) {
    const at = (i / 255) * (stops.length - 1);
    const left = Math.min(stops.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c += 1) {
      const [from, to] = [stops[left]?.[c] ?? 0, stops[left + 1]?.[c] ?? 0];
      table[i * 4 + c] = Math.round(from + (at - left) * (to - from));
    }
    table[i * 4 + 3] = Math.round(255 * opacity(i / 255));
  }
  return table;
}

/** The scale as a CSS gradient from left to right. */
export function gradient(theme: "light" | "dark"): string {
  const stops = theme === "light" ? [...CIVIDIS].reverse() : CIVIDIS;
  return `linear-gradient(to right, ${stops.map((rgb, i) => `rgb(${rgb.join(" ")} / ${opacity(i / (stops.length - 1)).toFixed(2)})`).join(", ")})`;
}
