/**
 * Packs values in half precision on the host: half the memory of float32. Layout: packed_format.ts.
 */

/** Packs values, rounded to the nearest half (ties to even); beyond 65,504 they become infinite. */
export function packHalves(values: Float32Array | Float16Array, words: Int32Array): void {
  new Float16Array(words.buffer, words.byteOffset, 2 * words.length).set(values);
}

/** The values of packed halves. */
export function unpackHalves(words: Int32Array): Float32Array {
  return new Float32Array(new Float16Array(words.buffer, words.byteOffset, 2 * words.length));
}
