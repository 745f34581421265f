/**
 * headLogits: x Wᵀ (+ b), and of that c tanh(l / c) where the head has a soft cap c
 *
 *     x [M, C]   weight [V, C]   bias [V]   y [M, V]
 *
 * All logits at once, in stock operations: for a few rows, to choose tokens by, and the reference of
 * head.ts, which streams them. Not differentiable itself: `capSlope` is what its gradient needs.
 */

import { matMul } from "../tensor/matmul.ts";
import type { PackedMatrix } from "../tensor/packed_matrix.ts";
import { tf } from "../tensor/tf.ts";

/** What makes logits of hidden states. */
export interface HeadWeights {
  /** [V, C]. */
  readonly weight: tf.Tensor2D | PackedMatrix;
  /** [V]. */
  readonly bias?: tf.Tensor1D;
  /** c of c tanh(l / c). */
  readonly softcap?: number;
}

/** Gives the logits of every row. */
export function headLogits(x: tf.Tensor2D, { weight, bias, softcap }: HeadWeights): tf.Tensor2D {
  return tf.tidy(() => {
    const products = matMul(x, weight, { transposeB: true });
    const logits = bias ? tf.add<tf.Tensor2D>(products, bias) : products;
    return softcap === undefined ? logits : tf.mul(tf.tanh(tf.div(logits, softcap)), softcap);
  });
}

/** The slope of the cap at capped logits: 1 - (y / c)². */
export function capSlope(logits: tf.Tensor2D, softcap: number): tf.Tensor2D {
  return tf.sub(1, tf.square(tf.div(logits, softcap)));
}
