/**
 * loraLinear: y = x Wᵀ (+ b) + s (x̃ Aᵀ) Bᵀ, x̃ = x, or dropout(x)
 *
 *     x [N, C]   W [D, C], frozen   b [D]   A [r, C]   B [D, r]   y [N, D]
 *     g = s dY B [N, r]      dX = dY W + g A (through the dropout)
 *     dA = gᵀ x̃              dB = s dYᵀ (x̃ Aᵀ)
 *
 * (Hu et al. 2021, "LoRA", eq. 3.) Saves x alone and computes x̃ Aᵀ again. On webgpu the branch is
 * added to y, and to dX, where they lie. W may be packed. Reference: the same with tf.add.
 *
 * The branch beside an embedding, and the part of a head's branch that is not the head's own, are
 * made of other operations, and their gradients of theirs.
 */

import { withGradient } from "../../tensor/gradient.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { matMul, matMulInto, type MatMulOptions } from "../../tensor/matmul.ts";
import type { PackedMatrix } from "../../tensor/packed_matrix.ts";
import { tf } from "../../tensor/tf.ts";
import { accumulate } from "../update/accumulate.ts";
import { type Dropout, dropout, dropped } from "../dropout.ts";
import { embedding } from "../embedding/embedding.ts";
import { linear, type LinearOptions } from "./linear.ts";

/** A low-rank branch beside a frozen weight [D, C]. */
export interface LoraBranch {
  /** A [r, C]; of an embedding [r, V]. */
  readonly loraA: tf.Tensor2D;
  /** B [D, r]; of an embedding [C, r]. */
  readonly loraB: tf.Tensor2D;
  /** s, what B A x is multiplied with. */
  readonly scale: number;
  /** What is dropped of the branch's input; absent: nothing, and always for an embedding. */
  readonly dropout?: Dropout;
}

/** A frozen linear layer: weight [D, C] unless it is transposed, which may be packed, and bias [D]. */
export interface FrozenLinear extends LinearOptions {
  readonly weight: tf.Tensor2D | PackedMatrix;
  readonly bias?: tf.Tensor1D;
}

/** Applies a frozen linear layer and the branch beside it; only the branch and x get gradients. */
export function loraLinear(
  x: tf.Tensor2D,
  { weight, bias, isTransposed = false }: FrozenLinear,
  { loraA, loraB, scale, dropout }: LoraBranch,
): tf.Tensor2D {
  const inner = (x: tf.Tensor2D) => dropout ? dropped(x, dropout) : x;
  return withGradient<tf.Tensor2D>(
    [x, loraA, loraB],
    (save) => {
      save([x, loraA, loraB]);
      const y = linear(x, weight, bias, { isTransposed });
      const low = tf.mul(matMul(inner(x), loraA, { transposeB: true }), scale) as tf.Tensor2D;
      return plusProduct(y, low, loraB, { transposeB: true });
    },
    (dY, saved) => {
      const [x, loraA, loraB] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
      const input = inner(x);
      const g = tf.mul(matMul(dY, loraB), scale) as tf.Tensor2D;
      const low = tf.mul(matMul(input, loraA, { transposeB: true }), scale) as tf.Tensor2D;
      const throughWeight = matMul(dY, weight, { transposeB: isTransposed });
      const dX = dropout
        ? accumulate(throughWeight, dropped(matMul(g, loraA), dropout))
        : plusProduct(throughWeight, g, loraA);
      const dA = matMul(g, input, { transposeA: true });
      return [dX, dA, matMul(dY, low, { transposeA: true })];
    },
  );
}

/**
 * Looks up rows of a frozen embedding [V, C] and of the branch beside it, A [r, V] and B [C, r]:
 * y[n] = W[ids[n]] + s B A[:, ids[n]]. The embedding itself gets no gradient.
 */
export function loraEmbedding(
  weight: tf.Tensor2D | PackedMatrix,
  { loraA, loraB, scale }: LoraBranch,
  ids: Int32Array,
): tf.Tensor2D {
  const low = tf.mul(embedding(tf.transpose(loraA) as tf.Tensor2D, ids), scale) as tf.Tensor2D;
  return tf.add(embedding(weight, ids), linear(low, loraB)) as tf.Tensor2D;
}

/** s x̃ Aᵀ [N, r]: what a head multiplies with B beside its own product. */
export function loraInput(x: tf.Tensor2D, branch: LoraBranch): tf.Tensor2D {
  const input = branch.dropout ? dropout(x, branch.dropout) : x;
  return tf.mul(linear(input, branch.loraA), branch.scale) as tf.Tensor2D;
}

/** y + a b, in y's place where the device allows it; y is the caller's own, and is taken over. */
function plusProduct(
  y: tf.Tensor2D,
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  options: MatMulOptions = {},
): tf.Tensor2D {
  if (!usesFused()) return tf.add(y, matMul(a, b, options)) as tf.Tensor2D;
  matMulInto(y, a, b, { ...options, accumulates: true });
  return y;
}
