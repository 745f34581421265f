/**
 * The matrix product that all operations use: fused kernels on webgpu, chosen by the tuner, and
 * stock tfjs elsewhere. Not differentiable: the operations in src/ops call it inside their own
 * gradients. Results repeat bit by bit on a device with the same tuning.
 */

import { usesFused } from "./kernels.ts";
import { type MatMulOptions, matMulProblem } from "./matmul_problem.ts";
import { encodeMatMul } from "./matmul_run.ts";
import { stockMatMul } from "./matmul_stock.ts";
import { chooseVariant } from "./matmul_variants.ts";
import { allocate } from "./program.ts";
import { tf } from "./tf.ts";

export type { MatMulOptions } from "./matmul_problem.ts";

/**
 * a [.., M, K] times b [.., K, N] (after transposition), both of rank 2 or 3, -> [.., M, N].
 *
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED, SIZE_MISMATCH.
 */
export function matMul<T extends tf.Tensor2D | tf.Tensor3D>(
  a: T,
  b: T,
  options: MatMulOptions = {},
): T {
  if (!usesFused() || a.rank !== 2 || a.size === 0 || b.size === 0) {
    return stockMatMul(a, b, options);
  }
  const problem = matMulProblem(a as tf.Tensor2D, b as tf.Tensor2D, options);
  const y = allocate([problem.rows, problem.columns], "float32", "a matrix product");
  encodeMatMul(problem, chooseVariant(problem), y, false);
  return y as T;
}

/**
 * Adds a product to `y` [M, N] in place where it can, and gives the sum: `y` itself, changed, on
 * webgpu; else a new tensor, `y` disposed. Either way `y` belongs to the result from here on.
 */
export function addMatMul(
  y: tf.Tensor2D,
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  options: MatMulOptions = {},
): tf.Tensor2D {
  if (!usesFused() || a.size === 0 || b.size === 0) {
    const sum = tf.tidy(() => tf.add(y, stockMatMul(a, b, options))) as tf.Tensor2D;
    y.dispose();
    return sum;
  }
  const problem = matMulProblem(a, b, options);
  encodeMatMul(problem, chooseVariant(problem), y, true);
  return y;
}
