/** Reads what every decoder's config.json has, under the names that most of them use. */

import type { Activation } from "../../ops/linear/activation.ts";
import type { ModelConfig } from "../config.ts";
import { unsupportedField } from "../errors.ts";
import { type ConfigSource, Fields } from "./fields.ts";
import { ropeFields } from "./rope.ts";

/** config.json, and generation_config.json where there is one. */
export interface ConfigFiles {
  readonly source: ConfigSource;
  readonly generation?: ConfigSource;
}

/** transformers' defaults where they differ from Llama's, and what an architecture allows. */
export interface DecoderDefaults {
  readonly tieWordEmbeddings?: boolean;
  readonly maxPositionEmbeddings?: number;
  readonly numKeyValueHeads?: number;
  /** Default: hidden_size / num_attention_heads. */
  readonly headDim?: number;
  readonly rmsNormEps?: number;
  readonly ropeTheta?: number;
  readonly partialRotaryFactor?: number;
  /** The field of the MLP's activation, transformers' default and those that are built. */
  readonly activation?: {
    readonly field: string;
    readonly usual: string;
    readonly supported: readonly Activation[];
  };
}

const SILU = { field: "hidden_act", usual: "silu", supported: ["silu"] } as const;

/**
 * Reads the configuration of a rotary decoder with a gated MLP.
 *
 * @throws {OddsmithError} ModelError MISSING_FIELD, BAD_FIELD or UNSUPPORTED.
 */
export function decoderConfig(
  { source, generation }: ConfigFiles,
  modelType: string,
  defaults: DecoderDefaults = {},
): ModelConfig {
  const field = new Fields(source);
  refuseQuantized(source);
  const activation = defaults.activation ?? SILU;
  const hiddenAct = field.activation(activation.field, activation.usual, activation.supported);
  field.only("rope_interleaved", false);
  const sizes = headSizes(field, defaults);
  const maxPositionEmbeddings = field.count(
    "max_position_embeddings",
    defaults.maxPositionEmbeddings ?? 2048,
  );
  return {
    modelType,
    vocabSize: field.count("vocab_size"),
    intermediateSize: field.count("intermediate_size"),
    numHiddenLayers: field.layers("num_hidden_layers"),
    ...sizes,
    maxPositionEmbeddings,
    rmsNormEps: field.positive("rms_norm_eps", defaults.rmsNormEps ?? 1e-6),
    ...ropeFields(source, {
      headDim: sizes.headDim,
      maxPositionEmbeddings,
      theta: defaults.ropeTheta,
      partialRotaryFactor: defaults.partialRotaryFactor,
    }),
    attentionBias: field.flag("attention_bias", false),
    mlpBias: field.flag("mlp_bias", false),
    tieWordEmbeddings: field.flag("tie_word_embeddings", defaults.tieWordEmbeddings ?? false),
    initializerRange: field.positive("initializer_range", 0.02),
    ...tokenFields(field, generation),
    ...(hiddenAct === "silu" ? {} : { hiddenAct }),
  };
}

type HeadSizes = Pick<
  ModelConfig,
  "hiddenSize" | "numAttentionHeads" | "numKeyValueHeads" | "headDim"
>;

/** The sizes of attention, which must go together. */
export function headSizes(field: Fields, defaults: DecoderDefaults = {}): HeadSizes {
  const hiddenSize = field.count("hidden_size");
  const numAttentionHeads = field.count("num_attention_heads");
  const numKeyValueHeads = field.count(
    "num_key_value_heads",
    defaults.numKeyValueHeads ?? numAttentionHeads,
  );
  const headDim = field.count("head_dim", defaults.headDim ?? hiddenSize / numAttentionHeads);
  if (numAttentionHeads % numKeyValueHeads !== 0) {
    const expected = `a divisor of num_attention_heads (${numAttentionHeads})`;
    throw field.bad("num_key_value_heads", expected, numKeyValueHeads);
  }
  if (headDim % 2 !== 0) throw field.bad("head_dim", "an even number", headDim);
  return { hiddenSize, numAttentionHeads, numKeyValueHeads, headDim };
}

/** The tokens that begin, end and fill up texts; generation_config.json's ends go first. */
export function tokenFields(
  field: Fields,
  generation: ConfigSource | undefined,
): Pick<ModelConfig, "bosTokenId" | "eosTokenIds" | "padTokenId"> {
  const ends = generation ? new Fields(generation).tokenIds("eos_token_id") : [];
  return {
    bosTokenId: field.tokenIds("bos_token_id")[0],
    eosTokenIds: ends.length > 0 ? ends : field.tokenIds("eos_token_id"),
    padTokenId: field.tokenIds("pad_token_id")[0],
  };
}

/** Refuses weights that are not numbers as they stand. */
export function refuseQuantized({ file, json }: ConfigSource): void {
  if (json.quantization_config === undefined || json.quantization_config === null) return;
  const kind = (json.quantization_config as Record<string, unknown>).quant_method ?? "present";
  throw unsupportedField(file, "quantization_config", kind, "unquantized checkpoints");
}
