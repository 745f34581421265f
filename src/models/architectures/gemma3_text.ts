/**
 * Gemma 3, its text models: Gemma 2 without soft caps, with norms of each head's queries and keys,
 * five of six layers sliding, and a rotation of their own for these.
 */

import type { ModelConfig } from "../config.ts";
import type { ConfigFiles } from "../config/decoder.ts";
import type { ConfigSource } from "../config/fields.ts";
import { Fields } from "../config/fields.ts";
import { gemmaConfig, gemmaTraits } from "./gemma.ts";
import { objectOf } from "../config/rope.ts";
import { gatedDecoder } from "./gated_decoder.ts";

/** Gemma 3's text models. */
export const gemma3Text = gatedDecoder({
  summary: "gemma2 without soft caps, with norms on queries and keys, two rotations",
  parseConfig,
  traits: (config) => ({ ...gemmaTraits(config), queryKeyNorms: "head" }),
});

function parseConfig({ source, generation }: ConfigFiles): ModelConfig {
  const pattern = new Fields(source).count("sliding_window_pattern", 6);
  const { global, slidingTheta } = rotationsOf(source);
  const config = gemmaConfig({ source: global, generation }, "gemma3_text", {
    maxPositionEmbeddings: 131_072,
    ropeTheta: 1_000_000,
    slides: (layer) => (layer + 1) % pattern !== 0,
  });
  return { ...config, slidingRopeTheta: slidingTheta };
}

/**
 * config.json as if the global layers' rotation were all layers', and the sliding layers' base. The
 * newer rope_parameters has an object for each kind of layer.
 */
function rotationsOf(source: ConfigSource): { global: ConfigSource; slidingTheta: number } {
  const { file, json } = source;
  const parameters = { file, json: objectOf(source, "rope_parameters") };
  const sliding = { file, json: objectOf(parameters, "sliding_attention") };
  const fields = new Fields(sliding, "rope_parameters.sliding_attention.");
  fields.only("rope_type", "default");
  const byLayerType = "full_attention" in parameters.json || "sliding_attention" in parameters.json;
  const global = byLayerType
    ? { file, json: { ...json, rope_parameters: objectOf(parameters, "full_attention") } }
    : source;
  const usual = new Fields(source).positive("rope_local_base_freq", 10_000);
  return { global, slidingTheta: fields.positive("rope_theta", usual) };
}
