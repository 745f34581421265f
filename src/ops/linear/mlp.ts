/**
 * mlp: y = f(x Wᵤᵀ) W_dᵀ, the MLP without a gate
 *
 *     x [N, C]   up [F, C]   down [C, F]   y [N, C]   f: `Activation`
 *
 * Its gradient is that of its parts: `linearLayer` and `activate`. Biases are optional.
 */

import type { tf } from "../../tensor/tf.ts";
import { activate, type Activation } from "./activation.ts";
import { linearLayer, type LinearWeights } from "./linear_layer.ts";

/** The MLP's two matrices. */
export interface MlpWeights {
  readonly up: LinearWeights;
  readonly down: LinearWeights;
}

/** Applies the MLP of GPT-2's and OPT's kind. */
export function mlp(x: tf.Tensor2D, { up, down }: MlpWeights, kind: Activation): tf.Tensor2D {
  return linearLayer(activate(linearLayer(x, up), kind), down);
}
