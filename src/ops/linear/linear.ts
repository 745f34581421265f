/**
 * linear: y = x Wᵀ (+ b)
 *
 *     x [N, C]   weight [D, C]   bias [D]   y [N, D]
 *     dX = dY W      dWeight = dYᵀ x      dBias = Σ_n dY
 *     with the weight stored [C, D], as GPT-2's are: y = x W, dX = dY Wᵀ, dWeight = xᵀ dY
 *
 * Saves x and weight; of a frozen weight no gradient is computed and x is not saved. The products
 * are src/tensor/matmul.ts: fused kernels on webgpu. Reference: tf.matMul(x, weight, false, true).
 */

import { isFrozen, withGradient } from "../../tensor/gradient.ts";
import { matMul } from "../../tensor/matmul.ts";
import { isPacked, type PackedMatrix } from "../../tensor/packed_matrix.ts";
import { tf } from "../../tensor/tf.ts";
import { frozenLinear } from "./frozen_linear.ts";

/** How a weight is stored. */
export interface LinearOptions {
  /** [in, out]. Default false: the usual [out, in]. */
  readonly isTransposed?: boolean;
}

/**
 * Applies a linear layer with the checkpoint's weight.
 *
 * @param weight A variable that is not trainable gets no gradient; neither does a packed matrix.
 */
export function linear(
  x: tf.Tensor2D,
  weight: tf.Tensor2D | PackedMatrix,
  bias?: tf.Tensor1D,
  options: LinearOptions = {},
): tf.Tensor2D {
  const product = isPacked(weight)
    ? frozenLinear(x, weight, options)
    : floatLinear(x, weight, options);
  return bias ? tf.add(product, bias) : product;
}

function floatLinear(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  { isTransposed = false }: LinearOptions,
): tf.Tensor2D {
  const isConstant = isFrozen(weight);
  return withGradient<tf.Tensor2D>(
    isConstant ? [x] : [x, weight],
    (save) => {
      save(isConstant ? [weight] : [weight, x]);
      return matMul(x, weight, { transposeB: !isTransposed });
    },
    (dY, saved) => {
      const [weight, x] = saved as [tf.Tensor2D, tf.Tensor2D?];
      const dX = matMul(dY, weight, { transposeB: isTransposed });
      if (!x) return [dX];
      const [left, right] = isTransposed ? [x, dY] : [dY, x];
      return [dX, matMul(left, right, { transposeA: true })];
    },
  );
}
