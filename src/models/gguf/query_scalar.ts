/**
 * Gemma's query_pre_attn_scalar, which GGUF does not hold: llama.cpp takes the head's size, and in
 * the 27B models, told by their number of blocks, the channels a head.
 */

import type { JsonObject } from "../../base/json.ts";

const BLOCKS_OF_27B: Readonly<Record<string, number>> = { gemma2: 46, gemma3: 62 };

/** What llama.cpp takes for a configuration; undefined where the architecture has no such value. */
export function queryScalar(arch: string, config: JsonObject): number | undefined {
  const blocks = BLOCKS_OF_27B[arch];
  if (blocks === undefined) return undefined;
  const { hidden_size: hidden, num_attention_heads: heads, head_dim: headDim } = config;
  const is27B = config.num_hidden_layers === blocks;
  return is27B ? (hidden as number) / (heads as number) : headDim as number;
}
