/**
 * embedding: y[n] = weight[ids[n]]
 *
 *     ids [N] in [0, V)   weight [V, C]   y [N, C]
 *     dWeight[v] = Σ over n with ids[n] = v of dY[n]
 *
 * Saves nothing. Reference: tf.gather; its gradient adds in no fixed order and is missing on wasm,
 * so dWeight is `segmentSum`.
 */

import { withGradient } from "../tensor/gradient.ts";
import { tf } from "../tensor/tf.ts";
import { segmentSum } from "./segment_sum.ts";

/** Looks up rows of `weight`; also takes rows of hidden states (the ids are then row numbers). */
export function embedding(weight: tf.Tensor2D, ids: Int32Array): tf.Tensor2D {
  return withGradient<tf.Tensor2D>(
    [weight],
    () => tf.gather(weight, tf.tensor1d(ids, "int32")),
    (dY) => [segmentSum(dY, ids, weight.shape[0])],
  );
}
