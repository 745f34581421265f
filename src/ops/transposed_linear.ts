/**
 * transposedLinear: y = x W (+ b), for weights that are stored [in, out], as GPT-2's are
 *
 *     x [N, C]   weight [C, D]   bias [D]   y [N, D]
 *     dX = dY Wᵀ      dWeight = xᵀ dY      dBias = Σ_n dY
 *
 * Saves x and weight; of a frozen weight no gradient is computed and x is not saved. The products
 * are src/tensor/matmul.ts: fused kernels on webgpu. Reference: tf.matMul(x, weight).
 */

import { isFrozen, withGradient } from "../tensor/gradient.ts";
import { matMul } from "../tensor/matmul.ts";
import { tf } from "../tensor/tf.ts";

/** Applies a linear layer with an [in, out] weight; a frozen one gets no gradient. */
export function transposedLinear(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  bias?: tf.Tensor1D,
): tf.Tensor2D {
  const isConstant = isFrozen(weight);
  const product = withGradient<tf.Tensor2D>(
    isConstant ? [x] : [x, weight],
    (save) => {
      save(isConstant ? [weight] : [weight, x]);
      return matMul(x, weight);
    },
    (dY, saved) => {
      const [weight, x] = saved as [tf.Tensor2D, tf.Tensor2D?];
      const dX = matMul(dY, weight, { transposeB: true });
      return x ? [dX, matMul(x, dY, { transposeA: true })] : [dX];
    },
  );
  return bias ? tf.add(product, bias) : product;
}
