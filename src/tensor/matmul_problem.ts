/**
 * What a fused matrix product is asked for: y [rows, columns] = a b, each operand stored with its
 * rows along the inner dimension or along the result, in float32 or packed.
 */

import { sizeMismatch } from "./errors.ts";
import type { Along } from "./matmul_registers.ts";
import type { MatrixFormat } from "./packed_format.ts";
import type { tf } from "./tf.ts";

/** Rows of a tensor, taken as a matrix of `shape`, from `firstRow` on. */
export interface MatrixRows {
  readonly rowsOf: tf.Tensor;
  /** Counted in rows of `shape`. */
  readonly firstRow: number;
  readonly shape: readonly [number, number];
  /** Other than "f32", the default: an int32 tensor of packed values (packed_matrix.ts). */
  readonly format?: MatrixFormat;
}

/** An operand of a product. */
export type Matrix = tf.Tensor2D | MatrixRows;

/** A matrix as it is stored. */
export interface StoredMatrix {
  readonly tensor: tf.Tensor;
  readonly format: MatrixFormat;
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

/** Rows of a matrix. */
export function matrixRows(matrix: Matrix, start: number, count: number): MatrixRows {
  const shape = [count, matrix.shape[1]] as const;
  if (!("rowsOf" in matrix)) return { rowsOf: matrix, firstRow: start, shape };
  const { rowsOf, firstRow, format } = matrix;
  return { rowsOf, firstRow: firstRow + start, shape, format };
}

/** Where a matrix lies. */
export function storedMatrix(matrix: Matrix): StoredMatrix {
  const stride = matrix.shape[1];
  if (!("rowsOf" in matrix)) return { tensor: matrix, format: "f32", start: 0, stride };
  const { rowsOf: tensor, firstRow, format = "f32" } = matrix;
  return { tensor, format, start: firstRow * stride, stride };
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
