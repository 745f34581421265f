/**
 * transposedLinear: y = x W (+ b), for weights that are stored [in, out], as GPT-2's are
 *
 *     x [N, C]   weight [C, D]   bias [D]   y [N, D]
 *     dX = dY Wᵀ      dWeight = xᵀ dY      dBias = Σ_n dY
 *
 * Saves x and weight; of a frozen weight no gradient is computed and x is not saved, and nothing at
 * all beside a packed one. The products
 * are src/tensor/matmul.ts: fused kernels on webgpu. Reference: tf.matMul(x, weight).
 */

import { isFrozen, withGradient } from "../tensor/gradient.ts";
import { matMul } from "../tensor/matmul.ts";
import { isPacked, type PackedMatrix } from "../tensor/packed_matrix.ts";
import { tf } from "../tensor/tf.ts";

/** Applies a linear layer with an [in, out] weight; a frozen or packed one gets no gradient. */
export function transposedLinear(
  x: tf.Tensor2D,
  weight: tf.Tensor2D | PackedMatrix,
  bias?: tf.Tensor1D,
): tf.Tensor2D {
  const product = isPacked(weight) ? packedProduct(x, weight) : floatProduct(x, weight);
  return bias ? tf.add(product, bias) : product;
}

function packedProduct(x: tf.Tensor2D, weight: PackedMatrix): tf.Tensor2D {
  return withGradient<tf.Tensor2D>(
    [x],
    () => matMul(x, weight),
    (dY) => [matMul(dY, weight, { transposeB: true })],
  );
}

function floatProduct(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  const isConstant = isFrozen(weight);
  return withGradient<tf.Tensor2D>(
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
}
