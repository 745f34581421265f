/**
 * The matrix product that all operations use: fused kernels on webgpu, chosen by the tuner, and
 * stock tfjs elsewhere. Not differentiable: the operations in src/ops call it inside their own
 * gradients. Results repeat bit by bit on a device with the same tuning.
 */

import { sizeMismatch } from "./errors.ts";
import { usesFused } from "./kernels.ts";
import {
  type MatMulOptions,
  matMulProblem,
  type Matrix,
  type MatrixRows,
  storedMatrix,
} from "./matmul_problem.ts";
import { stockPackedMatMul } from "./matmul_packed.ts";
import { encodeMatMul } from "./matmul_run.ts";
import { stockMatMul } from "./matmul_stock.ts";
import { chooseVariant } from "./matmul_variants.ts";
import { isPacked, type PackedMatrix } from "./packed_matrix.ts";
import { allocate } from "./program.ts";
import type { tf } from "./tf.ts";

export type { MatMulOptions } from "./matmul_problem.ts";

/**
 * a [.., M, K] times b [.., K, N] (after transposition), both of rank 2 or 3, -> [.., M, N]; b may
 * be packed where a is of rank 2.
 *
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED, SIZE_MISMATCH.
 */
export function matMul(
  a: tf.Tensor2D,
  b: tf.Tensor2D | PackedMatrix,
  options?: MatMulOptions,
): tf.Tensor2D;
export function matMul<T extends tf.Tensor2D | tf.Tensor3D>(
  a: T,
  b: T,
  options?: MatMulOptions,
): T;
export function matMul<T extends tf.Tensor2D | tf.Tensor3D>(
  a: T,
  b: T | PackedMatrix,
  options: MatMulOptions = {},
): T {
  if (!usesFused() || a.rank !== 2 || [...a.shape, ...b.shape].includes(0)) {
    if (isPacked(b)) return stockPackedMatMul(a as tf.Tensor2D, b, options) as T;
    return stockMatMul(a, b, options);
  }
  const problem = matMulProblem(a as tf.Tensor2D, b as tf.Tensor2D | PackedMatrix, options);
  const y = allocate([problem.rows, problem.columns], "float32", "a matrix product");
  encodeMatMul(problem, chooseVariant(problem), storedMatrix(y as tf.Tensor2D), false);
  return y as T;
}

/** How `matMulInto` writes. */
export interface MatMulIntoOptions extends MatMulOptions {
  /** Adds to what is there; default false: replaces it. */
  readonly accumulates?: boolean;
}

/**
 * Writes the product of a [M, K] and b [K, N] (after transposition) to `y` [M, N] in place, on
 * webgpu alone. Matrices may be rows of larger tensors, and those larger than a binding.
 *
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED, SIZE_MISMATCH; NO_DEVICE off webgpu.
 */
export function matMulInto(
  y: tf.Tensor2D | MatrixRows,
  a: Matrix,
  b: Matrix,
  { accumulates = false, ...options }: MatMulIntoOptions = {},
): void {
  const problem = matMulProblem(a, b, options);
  const { rows, columns } = problem;
  if (y.shape[0] !== rows || y.shape[1] !== columns) {
    throw sizeMismatch("a matrix product in place", y.shape, [rows, columns]);
  }
  encodeMatMul(problem, chooseVariant(problem), storedMatrix(y), accumulates);
}
