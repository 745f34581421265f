/**
 * rmsNorm: y = x̂ ⊙ w, x̂ = x r, r = 1 / sqrt(mean_c(x²) + ε)
 *
 *     x [N, C]   w [C]   r [N, 1]   y [N, C]
 *     dX = r (g - x̂ mean_c(g x̂)), g = dY ⊙ w      dW = Σ_n dY x̂
 *
 * Saves x, w and r. (Zhang & Sennrich 2019, eq. 4.)
 */

import { withGradient } from "../tensor/gradient.ts";
import { tf } from "../tensor/tf.ts";

/** Scales each row to unit root mean square, then by the learned `weight`. */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  return withGradient<tf.Tensor2D>(
    [x, weight],
    (save) => {
      const r = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), epsilon));
      save([x, weight, r]);
      return tf.mul(tf.mul(x, r), weight);
    },
    (dY, saved) => {
      const [x, weight, r] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
      const normed = tf.mul(x, r);
      const g = tf.mul(dY, weight);
      const along = tf.mean(tf.mul(g, normed), 1, true);
      return [
        tf.mul(r, tf.sub(g, tf.mul(normed, along))),
        tf.sum(tf.mul(dY, normed), 0),
      ];
    },
  );
}
