/**
 * How far a number may be from the one it was written for, by the type it was written in: the check
 * of an export, made without the code that rounds.
 */

import type { GgufOutDtype } from "../../weights/gguf_quantize.ts";

/** What comparing a tensor with its export found. */
export interface Comparison {
  /** The largest difference. */
  readonly largestError: number;
  /** The first number that is further off than its type makes it. */
  readonly wrong?: {
    /** Of the number in the flattened tensor. */
    readonly index: number;
    readonly expected: number;
    readonly received: number;
    readonly bound: number;
  };
}

/** Numbers in a Q8_0 block. */
const BLOCK = 32;

/**
 * Compares what was to be written with what was read: equal for F32, within half a unit in the last
 * place for F16 and BF16, within half a step of its block's scale for Q8_0, plus what the scale's own
 * rounding to a half-precision number takes away.
 *
 * @param expected As many numbers as `received`; for Q8_0 rows of a multiple of 32.
 */
export function compareRounded(
  dtype: GgufOutDtype,
  expected: Float32Array,
  received: Float32Array,
): Comparison {
  let largestError = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    if (dtype === "Q8_0" && i % BLOCK === 0) scale = scaleOf(expected.subarray(i, i + BLOCK));
    const [wanted, got] = [expected[i]!, received[i]!];
    const error = Math.abs(wanted - got);
    const bound = dtype === "Q8_0" ? blockBound(scale) : halfUlp(dtype, wanted);
    // Written so that a NaN on either side is wrong.
    if (!(error <= bound)) {
      return { largestError, wrong: { index: i, expected: wanted, received: got, bound } };
    }
    largestError = Math.max(largestError, error);
  }
  return { largestError };
}

/** Fraction bits, and the exponent of the smallest normal number. */
const FLOATS = { F16: { bits: 10, least: -14 }, BF16: { bits: 7, least: -126 } } as const;

function halfUlp(dtype: "F32" | "F16" | "BF16", value: number): number {
  if (dtype === "F32" || value === 0) return 0;
  const { bits, least } = FLOATS[dtype];
  const exponent = Math.max(least, exponentOf(Math.abs(value)));
  return 2 ** (exponent - bits - 1);
}

/** floor(log2(x)) of a number above 0, exact. */
function exponentOf(value: number): number {
  const guess = Math.floor(Math.log2(value));
  if (2 ** guess > value) return guess - 1;
  return 2 ** (guess + 1) <= value ? guess + 1 : guess;
}

function scaleOf(block: Float32Array): number {
  return block.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127;
}

/** A number q is at most 127; the stored scale is off by half its last place; float32 by 1e-6. */
function blockBound(scale: number): number {
  if (scale === 0) return 0;
  return scale * (0.5 + 1e-4) + 127 * halfUlp("F16", scale);
}
