/**
 * Writes float32 numbers as the types that are exported: F32, F16, BF16 and, for GGUF, Q8_0; bit for
 * bit what ggml's reference C code gives.
 */

import { outOfRange } from "./errors.ts";
import { dtypeBytes } from "./gguf_types.ts";

/** A number type that is written. */
export type GgufOutDtype = "F32" | "F16" | "BF16" | "Q8_0";

/** The types that are written. */
export const GGUF_OUT_DTYPES: readonly GgufOutDtype[] = ["F32", "F16", "BF16", "Q8_0"];

const QUANTIZERS: Readonly<Record<GgufOutDtype, (values: Float32Array, out: ArrayBuffer) => void>> =
  {
    F32: (values, out) => new Float32Array(out).set(values),
    F16: (values, out) => new Float16Array(out).set(values),
    BF16: roundToBfloat16,
    Q8_0: quantizeQ8_0,
  };

/** Gives the bytes of a tensor; for Q8_0 its rows are multiples of 32. */
export function quantize(dtype: GgufOutDtype, values: Float32Array): Uint8Array {
  const out = new Uint8Array(dtypeBytes(dtype, values.length));
  QUANTIZERS[dtype](values, out.buffer);
  return out;
}

/** The largest number that a type holds; larger ones would become infinite. */
export function largestOf(dtype: GgufOutDtype): number {
  if (dtype === "F32") return 3.4028234663852886e38;
  if (dtype === "F16") return 65_504;
  // The scale of a block, a half-precision number, is its largest number over 127.
  return dtype === "Q8_0" ? 65_504 * 127 : 3.3895313892515355e38;
}

/**
 * Checks that a type holds all of a tensor's numbers.
 *
 * @throws {OddsmithError} WeightsError OUT_OF_RANGE, for a NaN too; `path` is for the message.
 */
export function checkRange(
  path: string,
  name: string,
  dtype: GgufOutDtype,
  values: Float32Array,
): void {
  const largest = largestOf(dtype);
  const wrong = values.find((value) => !(Math.abs(value) <= largest));
  if (wrong !== undefined) throw outOfRange(path, name, dtype, wrong);
}

/** To the nearest, to even where two are equally near; a NaN becomes a quiet one. */
function roundToBfloat16(values: Float32Array, out: ArrayBuffer): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(out);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    halves[i] = isNaN ? word >>> 16 | 64 : (word + 0x7fff + (word >>> 16 & 1)) >>> 16;
  }
}

/** Blocks of 32: a half-precision scale and 32 signed bytes. */
function quantizeQ8_0(values: Float32Array, out: ArrayBuffer): void {
  const { fround } = Math;
  const view = new DataView(out);
  const quants = new Int8Array(out);
  for (let from = 0, at = 0; from < values.length; from += 32, at += 34) {
    let largest = 0;
    for (let i = from; i < from + 32; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const d = fround(largest / 127);
    const inverse = d === 0 ? 0 : fround(1 / d);
    view.setFloat16(at, d, true);
    for (let i = 0; i < 32; i++) {
      quants[at + 2 + i] = roundAway(fround(values[from + i]! * inverse));
    }
  }
}

/** C's roundf: halves go away from zero. */
function roundAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}
