/**
 * linearLayer: a linear layer as a model has it: `linear`, or `transposedLinear`, with its weights
 *
 *     x [N, C]   weight [D, C]   bias [D]   y [N, D]
 */

import type { PackedMatrix } from "../tensor/packed_matrix.ts";
import type { tf } from "../tensor/tf.ts";
import { linear } from "./linear.ts";
import { transposedLinear } from "./transposed_linear.ts";

/** A linear layer's weight [out, in] and bias [out]. */
export interface LinearWeights {
  readonly weight: tf.Tensor2D | PackedMatrix;
  readonly bias?: tf.Tensor1D;
  /** Whether the weight is stored [in, out]. Default false. */
  readonly isTransposed?: boolean;
}

/** Applies a layer. */
export function linearLayer(
  x: tf.Tensor2D,
  { weight, bias, isTransposed }: LinearWeights,
): tf.Tensor2D {
  if (isTransposed) return transposedLinear(x, weight, bias);
  return linear(x, weight, bias);
}
