/**
 * Matrices packed in fewer bits than float32 (packed_format.ts), for weights that do not train. One
 * int32 tensor holds a matrix, a row of words a row of values, so that rows can be cut out, gathered
 * and bound like those of any tensor. Products unpack on the way and add up in float32; no feature
 * of the device is needed, and no float copy of a whole matrix is ever made.
 *
 * Invariant: rows are a whole number of blocks.
 */

import { currentDevice } from "./device.ts";
import { unevenBlocks, wrongLength } from "./errors.ts";
import { packHalves, unpackHalves } from "./half_matrix.ts";
import { checkFits } from "./limits.ts";
import type { MatrixRows } from "./matmul_problem.ts";
import { BLOCK_LAYOUTS, type PackedFormat, wordsOf } from "./packed_format.ts";
import { allocate } from "./program.ts";
import { dequantize, quantize } from "./quantized_matrix.ts";
import { tf } from "./tf.ts";

export type { PackedFormat } from "./packed_format.ts";

/** Packed rows: all of a tensor. */
export interface PackedRows extends MatrixRows {
  /** [rows, words a row], int32. */
  readonly rowsOf: tf.Tensor2D;
  readonly firstRow: 0;
  readonly format: PackedFormat;
}

/** A packed matrix; its tensor outlives scopes until `dispose`. */
export interface PackedMatrix extends PackedRows {
  /** What it holds on the device. */
  readonly bytes: number;
  /** Frees the tensor. */
  dispose(): void;
}

/**
 * Packs a matrix: each value becomes the nearest that its format can hold.
 *
 * @param values Rows one after the other.
 * @throws {OddsmithError} DeviceError UNEVEN_BLOCKS where rows are no multiple of 64 values (f16:
 * of 2), WRONG_LENGTH, NON_FINITE_WEIGHT (int8, nf4), LIMIT_EXCEEDED.
 */
export function packMatrix(
  values: Float32Array | Float16Array,
  shape: readonly [number, number],
  format: PackedFormat,
): PackedMatrix {
  const words = new Int32Array(packedBytes(shape, format) / 4);
  const [rows, columns] = shape;
  if (values.length !== rows * columns) {
    throw wrongLength(shape, format, "values", values.length, rows * columns);
  }
  packValues(values, format, words);
  return packedMatrix(words, shape, format);
}

/**
 * Packs whole blocks of values into `words`, which holds exactly these; for a matrix too large to
 * be in memory at once, whose rows are packed as they are read.
 *
 * @throws {OddsmithError} DeviceError UNEVEN_BLOCKS, WRONG_LENGTH, NON_FINITE_WEIGHT.
 */
export function packValues(
  values: Float32Array | Float16Array,
  format: PackedFormat,
  words: Int32Array,
): void {
  const shape = [1, values.length] as const;
  const expected = packedBytes(shape, format) / 4;
  if (words.length !== expected) throw wrongLength(shape, format, "words", words.length, expected);
  if (format === "f16") packHalves(values, words);
  else quantize(values, format, words);
}

/** The values of packed words, on the host. */
export function unpackValues(words: Int32Array, format: PackedFormat): Float32Array {
  return format === "f16" ? unpackHalves(words) : dequantize(words, format);
}

/**
 * Makes a matrix of words packed earlier, on the current device.
 *
 * @throws {OddsmithError} DeviceError UNEVEN_BLOCKS, WRONG_LENGTH, LIMIT_EXCEEDED.
 */
export function packedMatrix(
  words: Int32Array,
  shape: readonly [number, number],
  format: PackedFormat,
): PackedMatrix {
  const bytes = packedBytes(shape, format);
  if (words.length !== bytes / 4) {
    throw wrongLength(shape, format, "words", words.length, bytes / 4);
  }
  return matrixOf(tf.tensor2d(words, storedShape(shape, format), "int32"), shape, format);
}

/**
 * Makes a matrix whose values are undefined, on webgpu or its rehearsal: one that only counts.
 *
 * @throws {OddsmithError} DeviceError UNEVEN_BLOCKS, LIMIT_EXCEEDED, NO_DEVICE.
 */
export function unfilledPackedMatrix(
  shape: readonly [number, number],
  format: PackedFormat,
): PackedMatrix {
  const rowsOf = allocate(storedShape(shape, format), "int32", "a packed weight");
  return matrixOf(rowsOf as tf.Tensor2D, shape, format);
}

function matrixOf(
  rowsOf: tf.Tensor2D,
  shape: readonly [number, number],
  format: PackedFormat,
): PackedMatrix {
  tf.keep(rowsOf);
  const bytes = 4 * rowsOf.size;
  return { rowsOf, firstRow: 0, shape, format, bytes, dispose: () => rowsOf.dispose() };
}

/** Rows and words a row; checked to fit the device. */
function storedShape(
  shape: readonly [number, number],
  format: PackedFormat,
): [number, number] {
  const stored: [number, number] = [shape[0], packedBytes([1, shape[1]], format) / 4];
  const { maxBufferBytes } = currentDevice().limits;
  checkFits(stored, `a weight packed as "${format}"`, "the model's size", maxBufferBytes);
  return stored;
}

/**
 * Bytes of a matrix once packed, for plans made before any is.
 *
 * @throws {OddsmithError} DeviceError UNEVEN_BLOCKS.
 */
export function packedBytes(shape: readonly [number, number], format: PackedFormat): number {
  const { values } = BLOCK_LAYOUTS[format];
  if (shape[1] % values !== 0) throw unevenBlocks(shape, format, values);
  return 4 * shape[0] * wordsOf(shape[1], format);
}

/** Whether a matrix is a packed one. */
export function isPacked(matrix: tf.Tensor | MatrixRows): matrix is PackedMatrix {
  return "rowsOf" in matrix && matrix.format !== undefined && matrix.format !== "f32";
}
