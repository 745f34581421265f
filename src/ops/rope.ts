/**
 * rope: rotary position embedding, in the half-split layout of Hugging Face checkpoints
 *
 *     x [B, T, H, D] = (x₁, x₂) along D      cos, sin [B or 1, T, 1, D / 2]
 *     y = (x₁ cos - x₂ sin,  x₂ cos + x₁ sin)
 *     dX is dY rotated back: the same with -sin
 *
 * Saves the table, nothing of x. (Su et al. 2021, eq. 34.)
 */

import { withGradient } from "../tensor/gradient.ts";
import { tf } from "../tensor/tf.ts";

/** The angles' cosines and sines; a batch dimension of 1 is shared by all sequences. */
export interface RopeTable {
  readonly cos: tf.Tensor4D;
  readonly sin: tf.Tensor4D;
}

/** Rotates every head by its position's angles. */
export function rope(x: tf.Tensor4D, { cos, sin }: RopeTable): tf.Tensor4D {
  return withGradient<tf.Tensor4D>(
    [x],
    (save) => {
      save([cos, sin]);
      return rotate(x, cos, sin);
    },
    (dY, saved) => {
      const [cos, sin] = saved as [tf.Tensor4D, tf.Tensor4D];
      return [rotate(dY, cos, tf.neg(sin))];
    },
  );
}

function rotate(x: tf.Tensor4D, cos: tf.Tensor4D, sin: tf.Tensor4D): tf.Tensor4D {
  const [x1, x2] = tf.split(x, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
  return tf.concat([
    tf.sub(tf.mul(x1, cos), tf.mul(x2, sin)),
    tf.add(tf.mul(x2, cos), tf.mul(x1, sin)),
  ], 3) as tf.Tensor4D;
}
