/** What a configuration says of one layer's attention and rotation. */

import type { AttentionSettings } from "../../ops/attention/settings.ts";
import type { ModelConfig } from "../config.ts";
import type { RopeSettings } from "../rope_angles.ts";

/** Scale, cap and window of a layer. */
export function attentionOf(config: ModelConfig, layer: number): AttentionSettings {
  const { queryPreAttnScalar, attnLogitSoftcapping, slidingWindow, slidingLayers } = config;
  return {
    scale: queryPreAttnScalar === undefined ? undefined : 1 / Math.sqrt(queryPreAttnScalar),
    softcap: attnLogitSoftcapping,
    window: slidingLayers?.[layer] ? slidingWindow : undefined,
  };
}

/** The rotation of all layers, or of those that see everything. */
export function globalRope(config: ModelConfig): RopeSettings {
  const { headDim, rotaryDim = headDim, ropeTheta, ropeScaling } = config;
  return { dim: rotaryDim, theta: ropeTheta, scaling: ropeScaling };
}

/** The rotation of layers that slide, where they have one of their own. */
export function slidingRope(config: ModelConfig): RopeSettings {
  const { ropeTheta, slidingRopeTheta = ropeTheta } = config;
  return { ...globalRope(config), theta: slidingRopeTheta, scaling: { ropeType: "default" } };
}
