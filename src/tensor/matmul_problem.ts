/**
 * What a fused matrix product is asked for: y [rows, columns] = a b, each operand stored with its
 * rows along the inner dimension or along the result, in float32 or packed halves.
 */

import { sizeMismatch } from "./errors.ts";
import type { Along } from "./matmul_registers.ts";
import type { tf } from "./tf.ts";

/**
 * A matrix in half precision: [rows, columns / 2] of int32, each the bits of two neighbours, the
 * first in the low half. Half the memory of float32; products still add up in float32.
 */
export interface HalfMatrix {
  readonly halves: tf.Tensor2D;
  readonly shape: readonly [number, number];
}

/** Rows of a tensor, taken as a matrix of `shape`, from `firstRow` on. */
export interface MatrixRows {
  readonly rowsOf: tf.Tensor;
  /** Counted in rows of `shape`. */
  readonly firstRow: number;
  readonly shape: readonly [number, number];
}

/** An operand of a product. */
export type Matrix = tf.Tensor2D | MatrixRows | HalfMatrix;

/** A matrix as it is stored. */
export interface StoredMatrix {
  readonly tensor: tf.Tensor;
  readonly format: "f32" | "f16";
  /** Where it starts in the tensor, in values. */
  readonly start: number;
  /** Values a stored row. */
  readonly stride: number;
}

/** An operand as it is stored. */
export interface Operand extends StoredMatrix {
  readonly along: Along;
}

/** y [rows, columns] = a b, over `inner`. */
export interface Problem {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly a: Operand;
  readonly b: Operand;
}

/** Which operands to transpose. */
export interface MatMulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * The problem of a product of matrices.
 *
 * @throws {OddsmithError} DeviceError SIZE_MISMATCH where the inner dimensions differ.
 */
export function matMulProblem(
  a: Matrix,
  b: Matrix,
  { transposeA = false, transposeB = false }: MatMulOptions,
): Problem {
  const [rows, inner] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
  const [columns, other] = transposeB ? b.shape : [b.shape[1], b.shape[0]];
  if (inner !== other) throw sizeMismatch("a matrix product", a.shape, b.shape);
  return {
    rows,
    inner,
    columns,
    a: { ...storedMatrix(a), along: transposeA ? "outer" : "inner" },
    b: { ...storedMatrix(b), along: transposeB ? "inner" : "outer" },
  };
}

/** Where a matrix lies. */
export function storedMatrix(matrix: Matrix): StoredMatrix {
  const stride = matrix.shape[1];
  if ("halves" in matrix) return { tensor: matrix.halves, format: "f16", start: 0, stride };
  if (!("rowsOf" in matrix)) return { tensor: matrix, format: "f32", start: 0, stride };
  return { tensor: matrix.rowsOf, format: "f32", start: matrix.firstRow * stride, stride };
}

/** The name under which speeds of matrix products are kept. */
export const MATMUL_TUNING = "matmul";

/**
 * The class of problems that one measurement speaks for: single tokens, results of too few tiles
 * to fill a large GPU, and the rest.
 */
export function problemClass({ rows, columns }: { rows: number; columns: number }): string {
  if (rows <= FEW_ROWS) return "few rows";
  return rows * columns <= SMALL_RESULT ? "small result" : "large result";
}

/** Rows of a batch of single tokens at most: generating, not training. */
const FEW_ROWS = 32;
/** Values of a result of 128 tiles of 64 x 64. */
const SMALL_RESULT = 2 ** 19;
