/** Makes a new Llama model from a seed, as a Hugging Face folder without a tokenizer. */

import { join } from "@std/path";
import { Rng } from "../../base/rng.ts";
import { writeFileAtomic } from "../../base/atomic.ts";
import type { JsonObject } from "../../base/json.ts";
import { type TensorSource, writeSafetensors } from "../../weights/write_safetensors.ts";
import { modelTypeOf, parseConfig } from "../parse_config.ts";
import { architectureOf } from "../architectures/registry.ts";

/** A new model's sizes; names are config.json's, camel-cased. */
export interface InitOptions {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly maxPositionEmbeddings: number;
  readonly ropeTheta: number;
  readonly rmsNormEps: number;
  readonly tieWordEmbeddings: boolean;
  readonly initializerRange: number;
  readonly bosTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
}

/**
 * Writes config.json, generation_config.json and model.safetensors. Matrices and embeddings are
 * normal with standard deviation `initializerRange`, norms 1; a tensor's values depend on the seed,
 * its name and its shape alone.
 *
 * @param dir An existing folder.
 * @throws {OddsmithError} ModelError BAD_FIELD where the sizes do not go together.
 */
export async function initModel(dir: string, options: InitOptions, seed: string): Promise<void> {
  const file = join(dir, "config.json");
  const json = initConfig(options);
  const source = { file, json };
  const config = parseConfig(source);
  const shapes = architectureOf(modelTypeOf(source), file).parameterShapes(config);
  const tensors = new Map<string, TensorSource>(
    [...shapes].map(([name, shape]) => [name, {
      shape,
      values: () => initialValues(name, shape, options.initializerRange, seed),
    }]),
  );
  await writeFileAtomic(file, JSON.stringify(json, null, 2) + "\n");
  const { bosTokenId, eosTokenId, padTokenId } = options;
  const generation = {
    bos_token_id: bosTokenId,
    eos_token_id: eosTokenId,
    pad_token_id: padTokenId,
  };
  const generationFile = join(dir, "generation_config.json");
  await writeFileAtomic(generationFile, JSON.stringify(generation, null, 2) + "\n");
  await writeSafetensors(join(dir, "model.safetensors"), tensors);
}

function initialValues(
  name: string,
  shape: readonly number[],
  deviation: number,
  seed: string,
): Float32Array {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  if (name.endsWith("norm.weight")) return values.fill(1);
  const rng = Rng.fromSeed(`${seed}/${name}`);
  return values.map(() => deviation * rng.normal());
}

/** The config.json of a new model. */
export function initConfig(options: InitOptions): JsonObject {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: options.vocabSize,
    hidden_size: options.hiddenSize,
    intermediate_size: options.intermediateSize,
    num_hidden_layers: options.numHiddenLayers,
    num_attention_heads: options.numAttentionHeads,
    num_key_value_heads: options.numKeyValueHeads,
    hidden_act: "silu",
    max_position_embeddings: options.maxPositionEmbeddings,
    rms_norm_eps: options.rmsNormEps,
    rope_theta: options.ropeTheta,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: options.tieWordEmbeddings,
    initializer_range: options.initializerRange,
    bos_token_id: options.bosTokenId,
    eos_token_id: options.eosTokenId,
    pad_token_id: options.padTokenId,
    torch_dtype: "float32",
  };
}
