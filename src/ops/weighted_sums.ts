/**
 * weightedSums: y[o] = Σ over the shares with outputs[e] = o of weights[e] x[inputs[e]]
 *
 *     x [M]   shares [E]: inputs in [0, M), outputs in [0, O), weights   y [O]
 *     dX[m] = Σ over the shares with inputs[e] = m of weights[e] dY[outputs[e]]
 *
 * A sparse matrix times a vector, for means and sums over runs of targets. Saves nothing; both
 * passes are `gatherRows` and `segmentSum`, which add in a fixed order.
 */

import { withGradient } from "../tensor/gradient.ts";
import { tf } from "../tensor/tf.ts";
import { gatherRows } from "./embedding/gather_rows.ts";
import { segmentSum } from "./embedding/segment_sum.ts";

/** Which inputs go into which outputs, and how much of them; in any order. */
export interface Shares {
  /** [E]. */
  readonly inputs: Int32Array;
  /** [E]. */
  readonly outputs: Int32Array;
  /** [E]. */
  readonly weights: Float32Array;
}

/** Adds up the shares of each output; outputs without any are zero. */
export function weightedSums(x: tf.Tensor1D, shares: Shares, count: number): tf.Tensor1D {
  const { inputs, outputs } = shares;
  return withGradient<tf.Tensor1D>(
    [x],
    () => spread(x, inputs, outputs, shares.weights, count),
    (dY) => [spread(dY, outputs, inputs, shares.weights, x.size)],
  );
}

function spread(
  x: tf.Tensor1D,
  from: Int32Array,
  to: Int32Array,
  weights: Float32Array,
  count: number,
): tf.Tensor1D {
  return tf.tidy(() => {
    const taken = gatherRows(tf.reshape(x, [x.size, 1]), from);
    const weighted: tf.Tensor2D = tf.mul(taken, tf.tensor2d(weights, [weights.length, 1]));
    return tf.reshape(segmentSum(weighted, to, count), [count]);
  });
}
