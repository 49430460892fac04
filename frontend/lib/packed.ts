/** Typed arrays out of the API's {dtype, bdata}: base64 of the raw little-endian numbers. */
export type Packed = Record<string, string>;
export type Numbers = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

const TYPES = {
  i1: Int8Array, i2: Int16Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array,
} as const;

export function unpack({ dtype, bdata }: Packed): Numbers {
  const text = atob(bdata ?? "");
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new TYPES[dtype as keyof typeof TYPES](bytes.buffer);
}
