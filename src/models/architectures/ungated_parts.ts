/** What GPT-2, OPT and Phi have in common: layer norms, an MLP without a gate, equal heads. */

import type { Activation } from "../../ops/linear/activation.ts";
import { layerNorm } from "../../ops/norms/layer_norm.ts";
import { tf } from "../../tensor/tf.ts";
import type { ModelConfig } from "../config.ts";
import type { Parameters } from "../parameters.ts";

/** The activations that an MLP without a gate is built for. */
export const UNGATED_ACTIVATIONS: readonly Activation[] = ["gelu", "gelu_tanh", "relu", "silu"];

/** What a configuration without rotation and rms norms has in their places. */
export const NO_ROPE: Pick<ModelConfig, "ropeTheta" | "ropeScaling"> = {
  ropeTheta: 10_000,
  ropeScaling: { ropeType: "default" },
};

/** The layer norm of `<name>.weight` and `<name>.bias`. */
export function namedLayerNorm(
  x: tf.Tensor2D,
  name: string,
  parameters: Parameters,
  { rmsNormEps }: ModelConfig,
): tf.Tensor2D {
  const weight = parameters.vector(`${name}.weight`);
  return layerNorm(x, { weight, bias: parameters.vector(`${name}.bias`) }, rmsNormEps);
}

/** [N, heads D] -> [N, heads, D]. */
export function byHead(x: tf.Tensor2D, heads: number): tf.Tensor3D {
  const [N, width] = x.shape;
  return tf.reshape(x, [N, heads, width / heads]);
}

/** [N, heads, D] -> [N, heads D]. */
export function joinHeads(x: tf.Tensor3D): tf.Tensor2D {
  const [N, heads, D] = x.shape;
  return tf.reshape(x, [N, heads * D]);
}
