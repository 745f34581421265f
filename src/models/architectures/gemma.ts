/** Reads what the text models of Gemma 2 and 3 share, and how they use it. */

import type { ModelConfig } from "../config.ts";
import type { GatedTraits } from "./gated_decoder.ts";
import { type ConfigFiles, decoderConfig } from "../config/decoder.ts";
import { Fields } from "../config/fields.ts";
import { windowFields } from "../config/windows.ts";

/** What differs between the generations where config.json leaves it out. */
export interface GemmaDefaults {
  readonly maxPositionEmbeddings: number;
  readonly ropeTheta: number;
  /** Of scores and logits; undefined: none. */
  readonly attnLogitSoftcapping?: number;
  readonly finalLogitSoftcapping?: number;
  /** Whether a layer slides, where layer_types does not say. */
  slides(layer: number): boolean;
}

/** Reads a configuration. */
export function gemmaConfig(
  files: ConfigFiles,
  modelType: string,
  defaults: GemmaDefaults,
): ModelConfig {
  const field = new Fields(files.source);
  field.only("use_bidirectional_attention", false);
  const config = decoderConfig(files, modelType, {
    numKeyValueHeads: 4,
    headDim: 256,
    maxPositionEmbeddings: defaults.maxPositionEmbeddings,
    ropeTheta: defaults.ropeTheta,
    tieWordEmbeddings: true,
    activation: {
      field: "hidden_activation",
      usual: "gelu_pytorch_tanh",
      supported: ["gelu_tanh", "gelu", "silu"],
    },
  });
  const { json } = files.source;
  // Null says that there is no cap; left out there is the usual one.
  const capOf = (name: string, usual?: number) =>
    name in json ? field.optionalPositive(name) : usual;
  const attnLogitSoftcapping = capOf("attn_logit_softcapping", defaults.attnLogitSoftcapping);
  const finalLogitSoftcapping = capOf("final_logit_softcapping", defaults.finalLogitSoftcapping);
  const window = "sliding_window" in json ? field.optionalCount("sliding_window") : 4096;
  return {
    ...config,
    ...windowFields(field, config.numHiddenLayers, window, defaults.slides),
    queryPreAttnScalar: field.positive("query_pre_attn_scalar", 256),
    ...(attnLogitSoftcapping === undefined ? {} : { attnLogitSoftcapping }),
    ...(finalLogitSoftcapping === undefined ? {} : { finalLogitSoftcapping }),
  };
}

/** Norms before and after each branch whose weights are kept less 1, and scaled embeddings. */
export function gemmaTraits({ hiddenSize }: ModelConfig): GatedTraits {
  return {
    norms: {
      beforeAttention: "input_layernorm",
      afterAttention: "post_attention_layernorm",
      beforeMlp: "pre_feedforward_layernorm",
      afterMlp: "post_feedforward_layernorm",
    },
    normOffset: 1,
    embeddingScale: Math.fround(Math.sqrt(hiddenSize)),
  };
}
