/**
 * Quantises values to int8 and nf4 on the host, block by block. Layout: packed_format.ts. Every
 * value becomes the nearest that its block can hold: int8 errs by at most absmax / 254, nf4 by at
 * most 0.152 absmax (half of the widest gap between codes).
 *
 * Invariant: what `dequantize` gives is bit for bit what the programs of packed_source.ts read, for
 * both multiply two float32 once.
 */

import type { OddsmithError } from "../base/error.ts";
import { nonFiniteWeight } from "./errors.ts";
import { BLOCK_LAYOUTS, NF4_CODE_BOOK, QUANTIZED_BLOCK } from "./packed_format.ts";

/** Formats with a scale a block. */
export type QuantizedFormat = "int8" | "nf4";

/**
 * Quantises whole blocks of values into `words`, which holds exactly these blocks.
 *
 * @throws {OddsmithError} DeviceError NON_FINITE_WEIGHT.
 */
export function quantize(
  values: Float32Array | Float16Array,
  format: QuantizedFormat,
  words: Int32Array,
): void {
  const size = BLOCK_LAYOUTS[format].words;
  const scales = new Float32Array(words.buffer, words.byteOffset, words.length);
  const packBlock = format === "int8" ? packBytes : packCodes;
  for (let start = 0, word = 0; start < values.length; start += QUANTIZED_BLOCK, word += size) {
    const absmax = largest(values, start);
    if (!Number.isFinite(absmax)) throw nonFinite(values, start, format);
    const scale = Math.fround(format === "int8" ? absmax / 127 : absmax);
    // A device may read a subnormal scale as 0.
    scales[word] = scale < SMALLEST_NORMAL ? 0 : scale;
    packBlock(values, start, scales[word]! > 0 ? 1 / scales[word]! : 0, words, word + 1);
  }
}

/** The values of quantised blocks. */
export function dequantize(words: Int32Array, format: QuantizedFormat): Float32Array {
  const size = BLOCK_LAYOUTS[format].words;
  const scales = new Float32Array(words.buffer, words.byteOffset, words.length);
  const values = new Float32Array(words.length / size * QUANTIZED_BLOCK);
  const unpackBlock = format === "int8" ? unpackBytes : unpackCodes;
  for (let start = 0, word = 0; word < words.length; start += QUANTIZED_BLOCK, word += size) {
    unpackBlock(words, word + 1, scales[word]!, values, start);
  }
  return values;
}

const SMALLEST_NORMAL = 2 ** -126;

/** The largest magnitude of a block; NaN where a value is NaN. */
function largest(values: Float32Array | Float16Array, start: number): number {
  let most = 0;
  for (let i = start; i < start + QUANTIZED_BLOCK; i++) {
    const magnitude = Math.abs(values[i]!);
    if (!(magnitude <= most)) most = magnitude;
    if (most !== most) break;
  }
  return most;
}

function nonFinite(
  values: Float32Array | Float16Array,
  start: number,
  format: QuantizedFormat,
): OddsmithError {
  let at = start;
  while (Number.isFinite(values[at])) at++;
  return nonFiniteWeight(format, at, values[at]!);
}

type PackBlock = (
  values: Float32Array | Float16Array,
  start: number,
  inverse: number,
  words: Int32Array,
  word: number,
) => void;

const packBytes: PackBlock = (values, start, inverse, words, word) => {
  for (let i = start; i < start + QUANTIZED_BLOCK; i += 4) {
    words[word++] = (Math.round(values[i]! * inverse) & 255) |
      (Math.round(values[i + 1]! * inverse) & 255) << 8 |
      (Math.round(values[i + 2]! * inverse) & 255) << 16 |
      (Math.round(values[i + 3]! * inverse) & 255) << 24;
  }
};

const packCodes: PackBlock = (values, start, inverse, words, word) => {
  for (let i = start; i < start + QUANTIZED_BLOCK; i += 8) {
    let codes = 0;
    for (let j = 0; j < 8; j++) codes |= nearestCode(values[i + j]! * inverse) << (4 * j);
    words[word++] = codes;
  }
};

/**
 * Cells of [-1, 1], each at most one border between two codes wide: a value's code is that of its
 * cell's start, or the next one.
 */
const CELLS = 32;
const CELL_CODES = new Uint8Array(CELLS + 1);
const CELL_BORDERS = new Float64Array(CELLS + 1).fill(Infinity);
for (let code = 1; code < NF4_CODE_BOOK.length; code++) {
  const border = (NF4_CODE_BOOK[code - 1]! + NF4_CODE_BOOK[code]!) / 2;
  const cell = cellOf(border);
  CELL_BORDERS[cell] = border;
  CELL_CODES.fill(code, cell + 1);
}

function cellOf(value: number): number {
  return Math.floor((value + 1) * (CELLS / 2));
}

/** The code nearest to a value of [-1, 1]. */
function nearestCode(value: number): number {
  const cell = cellOf(value);
  return value > CELL_BORDERS[cell]! ? CELL_CODES[cell]! + 1 : CELL_CODES[cell]!;
}

type UnpackBlock = (
  words: Int32Array,
  word: number,
  scale: number,
  values: Float32Array,
  start: number,
) => void;

const unpackBytes: UnpackBlock = (words, word, scale, values, start) => {
  for (let i = start; i < start + QUANTIZED_BLOCK; i += 4) {
    const four = words[word++]!;
    values[i] = (four << 24 >> 24) * scale;
    values[i + 1] = (four << 16 >> 24) * scale;
    values[i + 2] = (four << 8 >> 24) * scale;
    values[i + 3] = (four >> 24) * scale;
  }
};

const unpackCodes: UnpackBlock = (words, word, scale, values, start) => {
  for (let i = start; i < start + QUANTIZED_BLOCK; i += 8) {
    const codes = words[word++]!;
    for (let j = 0; j < 8; j++) values[i + j] = NF4_CODE_BOOK[(codes >> (4 * j)) & 15]! * scale;
  }
};
