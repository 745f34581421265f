/**
 * linear: y = x Wᵀ (+ b)
 *
 *     x [N, C]   weight [D, C]   bias [D]   y [N, D]
 *     dX = dY W      dWeight = dYᵀ x      dBias = Σ_n dY
 *
 * Saves x and weight. Reference: tf.matMul(x, weight, false, true).
 */

import { withGradient } from "../tensor/gradient.ts";
import { matMul } from "../tensor/matmul.ts";
import { tf } from "../tensor/tf.ts";

/** Applies a linear layer with the checkpoint's [out, in] weight. */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor2D {
  const product = withGradient<tf.Tensor2D>(
    [x, weight],
    (save) => {
      save([x, weight]);
      return matMul(x, weight, { transposeB: true });
    },
    (dY, saved) => {
      const [x, weight] = saved as [tf.Tensor2D, tf.Tensor2D];
      return [matMul(dY, weight), matMul(dY, x, { transposeA: true })];
    },
  );
  return bias ? tf.add(product, bias) : product;
}
