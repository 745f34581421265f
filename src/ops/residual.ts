/**
 * residual: y = x + branch
 *
 *     x, branch, y [N, C]      dX = dBranch = dY
 *
 * Saves nothing, where tf.add would keep both operands until the backward pass.
 */

import { withGradient } from "../tensor/gradient.ts";
import { tf } from "../tensor/tf.ts";

/** Adds what a branch of a block computed to the stream it started from. */
export function residual(x: tf.Tensor2D, branch: tf.Tensor2D): tf.Tensor2D {
  return withGradient<tf.Tensor2D>(
    [x, branch],
    () => tf.add(x, branch),
    (dY) => [tf.clone(dY), tf.clone(dY)],
  );
}
