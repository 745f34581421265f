/**
 * frozenLinear: y = x Wᵀ, of a packed weight that does not train
 *
 *     x [N, C]   weight [D, C], f16, int8 or nf4   y [N, D]
 *     dX = dY W      stored [C, D]: y = x W, dX = dY Wᵀ
 *
 * Saves nothing: no gradient of the weight is computed, and the weight is no tensor of floats. The
 * products unpack it on the way (src/tensor/matmul.ts). Reference: `linear` with `unpackRows(weight)`.
 */

import { withGradient } from "../../tensor/gradient.ts";
import { matMul } from "../../tensor/matmul.ts";
import type { PackedMatrix } from "../../tensor/packed_matrix.ts";
import type { tf } from "../../tensor/tf.ts";
import type { LinearOptions } from "./linear.ts";

/** Applies a linear layer with the checkpoint's weight, packed. */
export function frozenLinear(
  x: tf.Tensor2D,
  weight: PackedMatrix,
  { isTransposed = false }: LinearOptions = {},
): tf.Tensor2D {
  return withGradient<tf.Tensor2D>(
    [x],
    () => matMul(x, weight, { transposeB: !isTransposed }),
    (dY) => [matMul(dY, weight, { transposeB: isTransposed })],
  );
}
