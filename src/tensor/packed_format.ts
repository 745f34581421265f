/**
 * How matrices are kept in fewer bits than float32, for weights that do not train:
 *
 *     f16    2 values in 1 word, the first in the low half
 *     int8   blocks of 64 values in 17 words: a float32 scale, then 16 words of 4 values each
 *     nf4    blocks of 64 values in 9 words: a float32 absmax, then 8 words of 8 codes each
 *
 * Blocks lie one after the other along the rows, earlier values in lower bits; so the place of
 * value i follows from i alone, and any run of whole blocks can be bound by itself. A scale stands
 * before its values and not in a region of its own, so that a matrix may outgrow a binding.
 *
 * int8 is absmax quantisation: value = scale * q, scale = absmax / 127. nf4 is QLoRA's NormalFloat4:
 * value = absmax * NF4_CODE_BOOK[code]. Scales are float32, as bitsandbytes keeps them: half a bit a
 * value, where halves would save a quarter of a bit and lose scales below 6e-8.
 */

/** Formats of fewer bits than float32. */
export type PackedFormat = "f16" | "int8" | "nf4";

/** Formats a matrix may be kept in. */
export type MatrixFormat = "f32" | PackedFormat;

/** Values that are packed together, and the 32-bit words they take. */
export interface BlockLayout {
  readonly values: number;
  readonly words: number;
}

/** The block of each format; rows are a whole number of blocks. */
export const BLOCK_LAYOUTS: Readonly<Record<MatrixFormat, BlockLayout>> = {
  f32: { values: 1, words: 1 },
  f16: { values: 2, words: 1 },
  int8: { values: 64, words: 17 },
  nf4: { values: 64, words: 9 },
};

/** Values of a block that share a scale. */
export const QUANTIZED_BLOCK = 64;

/**
 * The values of NormalFloat4 (Dettmers et al., "QLoRA", appendix E), by code: quantiles of a normal
 * distribution, scaled to [-1, 1], with an exact 0. Each is a float32.
 */
export const NF4_CODE_BOOK: readonly number[] = [
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
];

/** The 32-bit words that whole blocks of at least `values` values take. */
export function wordsOf(values: number, format: MatrixFormat): number {
  const block = BLOCK_LAYOUTS[format];
  return Math.ceil(values / block.values) * block.words;
}
