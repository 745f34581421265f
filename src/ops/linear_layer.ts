/**
 * linearLayer: a linear layer as a model has it: `linear` with the layer's own weights
 *
 *     x [N, C]   weight [D, C]   bias [D]   y [N, D]
 */

import type { PackedMatrix } from "../tensor/packed_matrix.ts";
import type { tf } from "../tensor/tf.ts";
import { linear, type LinearOptions } from "./linear.ts";

/** A linear layer's weight, [out, in] unless it is transposed, and bias [out]. */
export interface LinearWeights extends LinearOptions {
  readonly weight: tf.Tensor2D | PackedMatrix;
  readonly bias?: tf.Tensor1D;
}

/** Applies a layer. */
export function linearLayer(
  x: tf.Tensor2D,
  { weight, bias, ...options }: LinearWeights,
): tf.Tensor2D {
  return linear(x, weight, bias, options);
}
