/**
 * linearLayer: a linear layer as a model has it: `linear` with the layer's own weights, and where it
 * is adapted `loraLinear`
 *
 *     x [N, C]   weight [D, C]   bias [D]   y [N, D]
 */

import type { PackedMatrix } from "../../tensor/packed_matrix.ts";
import type { tf } from "../../tensor/tf.ts";
import { linear, type LinearOptions } from "./linear.ts";
import { type LoraBranch, loraLinear } from "./lora.ts";

/** A linear layer's weight, [out, in] unless it is transposed, and bias [out]. */
export interface LinearWeights extends LinearOptions {
  readonly weight: tf.Tensor2D | PackedMatrix;
  readonly bias?: tf.Tensor1D;
  /** What trains beside the weight, which is then frozen. */
  readonly lora?: LoraBranch;
}

/** Applies a layer. */
export function linearLayer(x: tf.Tensor2D, { lora, ...layer }: LinearWeights): tf.Tensor2D {
  const { weight, bias, ...options } = layer;
  return lora ? loraLinear(x, layer, lora) : linear(x, weight, bias, options);
}
