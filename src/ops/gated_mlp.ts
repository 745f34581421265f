/**
 * gatedMlp: y = swiglu(x Wgᵀ, x Wuᵀ) Wdᵀ
 *
 *     x [N, C]   gate, up [F, C]   down [C, F]   y [N, C]
 *
 * Its gradient is that of its parts: `linearLayer` and `swiglu`. Biases are optional, one a matrix.
 */

import type { tf } from "../tensor/tf.ts";
import { linearLayer, type LinearWeights } from "./linear_layer.ts";
import { swiglu } from "./swiglu.ts";

/** The MLP's three matrices. */
export interface GatedMlpWeights {
  readonly gate: LinearWeights;
  readonly up: LinearWeights;
  readonly down: LinearWeights;
}

/** Applies the gated MLP of the Llama family. */
export function gatedMlp(x: tf.Tensor2D, { gate, up, down }: GatedMlpWeights): tf.Tensor2D {
  return linearLayer(swiglu(linearLayer(x, gate), linearLayer(x, up)), down);
}
