/**
 * headLogits: x Wᵀ (+ b), and of that c tanh(l / c) where the head has a soft cap c
 *
 *     x [M, C]   weight [V, C]   bias [V]   y [M, V]
 *
 * With a LoRA branch (src/ops/linear/lora.ts) + (s x Aᵀ) Bᵀ before the cap. All logits at once, in
 * stock operations: for a few rows, to choose tokens by, and the reference of head.ts, which streams
 * them. Not differentiable itself: `capSlope` is what its gradient needs.
 */

import { isFrozen } from "../../tensor/gradient.ts";
import { matMul } from "../../tensor/matmul.ts";
import type { PackedMatrix } from "../../tensor/packed_matrix.ts";
import { tf } from "../../tensor/tf.ts";
import { type LoraBranch, loraInput } from "../linear/lora.ts";

/** What makes logits of hidden states. */
export interface HeadWeights {
  /** [V, C]. A variable that is not trainable gets no gradient; neither does a packed matrix. */
  readonly weight: tf.Tensor2D | PackedMatrix;
  /** [V]. */
  readonly bias?: tf.Tensor1D;
  /** c of c tanh(l / c). */
  readonly softcap?: number;
  /** What trains beside the weight, which is then frozen. */
  readonly lora?: LoraBranch;
}

/** x [M, C] times weight [V, C]: one of the products that logits are a sum of. */
export interface LogitProduct {
  readonly x: tf.Tensor2D;
  readonly weight: tf.Tensor2D | PackedMatrix;
  /** Whether the weight's gradient is wanted. */
  readonly trains: boolean;
}

/** A head at work on hidden states. */
export interface HeadParts extends Pick<HeadWeights, "bias" | "softcap"> {
  /** hidden Wᵀ and, where there is a branch, (s hidden Aᵀ) Bᵀ. */
  readonly products: readonly LogitProduct[];
  /** Whether the bias's gradient is wanted. */
  readonly trainsBias: boolean;
}

/** Takes a head apart; differentiable in the hidden states and the branch. */
export function headParts(
  hidden: tf.Tensor2D,
  { weight, bias, softcap, lora }: HeadWeights,
): HeadParts {
  const own = { x: hidden, weight, trains: lora === undefined && !isFrozen(weight) };
  const branch = lora && { x: loraInput(hidden, lora), weight: lora.loraB, trains: true };
  return {
    products: branch ? [own, branch] : [own],
    bias,
    trainsBias: bias !== undefined && !isFrozen(bias),
    softcap,
  };
}

/** Gives the logits of every row. */
export function headLogits(hidden: tf.Tensor2D, head: HeadWeights): tf.Tensor2D {
  return tf.tidy(() => logitsOf(headParts(hidden, head)));
}

/** The logits of a head taken apart. */
export function logitsOf({ products, bias, softcap }: HeadParts): tf.Tensor2D {
  return tf.tidy(() => {
    const sum = products
      .map(({ x, weight }) => matMul(x, weight, { transposeB: true }))
      .reduce((sum, product) => tf.add(sum, product));
    const logits = bias ? tf.add<tf.Tensor2D>(sum, bias) : sum;
    return softcap === undefined ? logits : tf.mul(tf.tanh(tf.div(logits, softcap)), softcap);
  });
}

/** The slope of the cap at capped logits: 1 - (y / c)². */
export function capSlope(logits: tf.Tensor2D, softcap: number): tf.Tensor2D {
  return tf.sub(1, tf.square(tf.div(logits, softcap)));
}
