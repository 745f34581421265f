/**
 * What llama.cpp does to a tensor's numbers when it converts a checkpoint, and its undoing. Each
 * takes rows as [rows, columns], a vector as [rows, 1], and keeps their number.
 */

import type { Change } from "./architectures.ts";

/** The head counts that tell q's rows from k's. */
export interface Heads {
  readonly query: number;
  readonly keyValue: number;
}

/** The shape on the other side; `shape` may be either's. */
export function changedShape(change: Change, shape: readonly number[]): readonly number[] {
  return change === "transposed" ? shape.toReversed() : shape;
}

/** Undoes a change: llama.cpp's numbers to Hugging Face's. `shape` is GGUF's. */
export function undoChange(
  change: Change,
  values: Float32Array,
  shape: readonly number[],
  heads: number,
): Float32Array {
  if (change === "rotary") return permute(values, shape[0]!, heads, false);
  if (change === "plusOne") return values.map((value) => value - 1);
  return change === "transposed" ? transpose(values, shape[0]!) : values;
}

/** Makes a change: Hugging Face's numbers to llama.cpp's. `shape` is Hugging Face's. */
export function makeChange(
  change: Change,
  values: Float32Array,
  shape: readonly number[],
  heads: number,
): Float32Array {
  if (change === "rotary") return permute(values, shape[0]!, heads, true);
  if (change === "plusOne") return values.map((value) => value + 1);
  return change === "transposed" ? transpose(values, shape[0]!) : values;
}

/** The heads of a projection: k has those of keys and values. */
export function headsOf(ggufName: string, heads: Heads): number {
  return ggufName.includes("attn_k.") ? heads.keyValue : heads.query;
}

/**
 * Orders the rows of each head: halves side by side (Hugging Face, channel i turns with i + D/2) to
 * pairs side by side (llama.cpp, 2i with 2i + 1), or back.
 */
function permute(
  values: Float32Array,
  rows: number,
  heads: number,
  toPairs: boolean,
): Float32Array {
  const out = new Float32Array(values.length);
  const columns = values.length / rows;
  const half = rows / heads / 2;
  for (let head = 0; head < heads; head++) {
    for (let i = 0; i < 2 * half; i++) {
      const inHalves = head * 2 * half + i;
      const inPairs = head * 2 * half + 2 * (i % half) + Math.floor(i / half);
      const [from, to] = toPairs ? [inHalves, inPairs] : [inPairs, inHalves];
      out.set(values.subarray(from * columns, (from + 1) * columns), to * columns);
    }
  }
  return out;
}

function transpose(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      out[column * rows + row] = values[row * columns + column]!;
    }
  }
  return out;
}
