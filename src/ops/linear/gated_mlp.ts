/**
 * gatedMlp: y = (f(x Wgᵀ) ⊙ x Wuᵀ) Wdᵀ
 *
 *     x [N, C]   gate, up [F, C]   down [C, F]   y [N, C]   f: `Activation`
 *
 * Its gradient is that of its parts: `linearLayer` and `gatedActivation`. Biases are optional, one
 * a matrix. Gate and up may be the halves of one matrix [2 F, C].
 */

import type { tf } from "../../tensor/tf.ts";
import { type Activation, gatedActivation } from "./activation.ts";
import { linearLayer, type LinearWeights } from "./linear_layer.ts";
import { splitColumns } from "./split_columns.ts";

/** The MLP's three matrices. */
export interface GatedMlpWeights {
  readonly gate: LinearWeights;
  readonly up: LinearWeights;
  readonly down: LinearWeights;
}

/** The same with gate and up in one matrix, the gate's rows first. */
export interface JoinedMlpWeights {
  readonly gateUp: LinearWeights;
  readonly down: LinearWeights;
}

/** Applies the gated MLP of the Llama family. */
export function gatedMlp(
  x: tf.Tensor2D,
  weights: GatedMlpWeights | JoinedMlpWeights,
  kind: Activation = "silu",
): tf.Tensor2D {
  const [gate, up] = gateAndUp(x, weights);
  return linearLayer(gatedActivation(gate, up, kind), weights.down);
}

function gateAndUp(
  x: tf.Tensor2D,
  weights: GatedMlpWeights | JoinedMlpWeights,
): [gate: tf.Tensor2D, up: tf.Tensor2D] {
  if ("gate" in weights) return [linearLayer(x, weights.gate), linearLayer(x, weights.up)];
  const joined = linearLayer(x, weights.gateUp);
  const half = joined.shape[1] / 2;
  return splitColumns(joined, [half, half] as const);
}
