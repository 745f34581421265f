/**
 * gatedMlp: y = swiglu(x Wgᵀ, x Wuᵀ) Wdᵀ
 *
 *     x [N, C]   gate, up [F, C]   down [C, F]   y [N, C]
 *
 * Its gradient is that of its parts: `linear` and `swiglu`. Biases are optional, one a matrix.
 */

import type { tf } from "../tensor/tf.ts";
import { linear } from "./linear.ts";
import { swiglu } from "./swiglu.ts";

/** A weight [out, in] and its bias [out]. */
export interface LinearWeights {
  readonly weight: tf.Tensor2D;
  readonly bias?: tf.Tensor1D;
}

/** The MLP's three matrices. */
export interface GatedMlpWeights {
  readonly gate: LinearWeights;
  readonly up: LinearWeights;
  readonly down: LinearWeights;
}

/** Applies the gated MLP of the Llama family. */
export function gatedMlp(x: tf.Tensor2D, { gate, up, down }: GatedMlpWeights): tf.Tensor2D {
  const inner = swiglu(linear(x, gate.weight, gate.bias), linear(x, up.weight, up.bias));
  return linear(inner, down.weight, down.bias);
}
