/**
 * The matrix product by the way that is right and quickest in stock tfjs on the current backend:
 * the reference of the fused ones, and what the other backends run.
 *
 * webgpu: a transposed right operand is 2 to 3 times slower than transposing first, except for a
 * single row; long inner dimensions are split. wasm: only the plain product of two matrices reaches
 * the fast library (10 to 25 times faster than its transposed or batched forms), so operands are
 * transposed and batches taken apart, unless a dimension is so short that the copies cost more. On
 * both, a bᵀ of few rows is (b aᵀ)ᵀ: less to transpose.
 */

import type { MatMulOptions } from "./matmul_problem.ts";
import { tf } from "./tf.ts";

/**
 * The longest inner dimension of one webgpu program. Mesa's software driver leaves any shader
 * after 65,535 loop iterations, and the product with them: 65,536 ones gave 61,681.
 */
const MAX_INNER = 32768;

/** On wasm, batches of products with a dimension below this are left together. */
const SHORT = 16;

/** a [.., M, K] times b [.., K, N] (after transposition), both of rank 2 or 3, -> [.., M, N]. */
export function stockMatMul<T extends tf.Tensor2D | tf.Tensor3D>(
  a: T,
  b: T,
  { transposeA = false, transposeB = false }: MatMulOptions = {},
): T {
  return tf.tidy(() => {
    if (a.rank === 2 && transposeB && !transposeA) {
      return timesTransposed(a as tf.Tensor2D, b as tf.Tensor2D) as T;
    }
    return product(a, b, transposeA, transposeB);
  });
}

/** a bᵀ: a [M, K], b [N, K]. */
function timesTransposed(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const [M, K] = a.shape;
  const N = b.shape[0];
  if (M === 1 && K <= MAX_INNER && tf.getBackend() === "webgpu") {
    return tf.matMul(a, b, false, true);
  }
  if (M * (K + N) < N * K) return transpose(product(b, transpose(a)));
  return product(a, transpose(b));
}

function product<T extends tf.Tensor2D | tf.Tensor3D>(
  a: T,
  b: T,
  transposeA = false,
  transposeB = false,
): T {
  if (tf.getBackend() !== "wasm") return inPieces(a, transposeB ? transpose(b) : b, transposeA);
  if (a.rank === 3 && Math.min(...a.shape.slice(1), ...b.shape.slice(1)) < SHORT) {
    return tf.matMul(a, b, transposeA, transposeB) as T;
  }
  const left = transposeA ? transpose(a) : a;
  const right = transposeB ? transpose(b) : b;
  if (left.rank === 2) return tf.matMul(left, right) as T;
  return batchByBatch(left as tf.Tensor3D, right as tf.Tensor3D) as T;
}

function transpose<T extends tf.Tensor2D | tf.Tensor3D>(x: T): T {
  return tf.transpose(x, x.rank === 2 ? [1, 0] : [0, 2, 1]) as T;
}

function inPieces<T extends tf.Tensor2D | tf.Tensor3D>(a: T, b: T, transposeA: boolean): T {
  const bAxis = b.rank - 2;
  const aAxis = transposeA ? a.rank - 2 : a.rank - 1;
  const inner = b.shape[bAxis]!;
  if (inner <= MAX_INNER) return tf.matMul(a, b, transposeA) as T;
  const sizes: number[] = [];
  for (let rest = inner; rest > 0; rest -= MAX_INNER) sizes.push(Math.min(rest, MAX_INNER));
  const rights = tf.split(b, sizes, bAxis);
  return tf.split(a, sizes, aAxis)
    .map((left, i) => tf.matMul(left, rights[i]!, transposeA))
    .reduce((sum, part) => tf.add(sum, part)) as T;
}

function batchByBatch(a: tf.Tensor3D, b: tf.Tensor3D): tf.Tensor3D {
  const lefts = matrices(a);
  const rights = matrices(b);
  return tf.stack(lefts.map((left, i) => tf.matMul(left, rights[i]!))) as tf.Tensor3D;
}

/** A batch's matrices. Not tf.unstack: each of its slices copies the whole batch on wasm. */
function matrices(x: tf.Tensor3D): tf.Tensor2D[] {
  const [batch, rows, columns] = x.shape;
  const values = x.dataSync<"float32">();
  const size = rows * columns;
  return Array.from(
    { length: batch },
    (_, i) => tf.tensor2d(values.subarray(i * size, (i + 1) * size), [rows, columns]),
  );
}
