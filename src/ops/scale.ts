/**
 * scale: y = factor x
 *
 *     x, y [N, C]      dX = factor dY
 *
 * Saves nothing, where tf.mul would keep x until the backward pass. Stock operations everywhere.
 */

import { withGradient } from "../tensor/gradient.ts";
import { tf } from "../tensor/tf.ts";

/** Multiplies by a constant. */
export function scale(x: tf.Tensor2D, factor: number): tf.Tensor2D {
  return withGradient<tf.Tensor2D>(
    [x],
    () => tf.mul<tf.Tensor2D>(x, factor),
    (dY) => [tf.mul(dY, factor)],
  );
}
