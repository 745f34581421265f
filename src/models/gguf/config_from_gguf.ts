/**
 * config.json from a GGUF file's metadata. What llama.cpp knows only from its own code (Gemma's
 * query scale, for one) is filled in as that code has it; what config.json cannot say is refused.
 */

import type { Json, JsonObject } from "../../base/json.ts";
import type { Gguf } from "../../weights/gguf.ts";
import { GgufFields } from "../../weights/gguf_fields.ts";
import { unknownGgufArchitecture, unsupportedGgufModel } from "../errors.ts";
import { GGUF_ARCHITECTURES, type GgufArchitecture } from "./architectures.ts";
import { queryScalar } from "./query_scalar.ts";
import { scalingOf } from "./rope_factors.ts";

/** A file's architecture and its config.json, token ids aside. */
export interface GgufConfig {
  readonly arch: GgufArchitecture;
  readonly json: JsonObject;
}

/**
 * Makes the configuration.
 *
 * @throws {OddsmithError} ModelError UNKNOWN_MODEL_TYPE or UNSUPPORTED; WeightsError MISSING_KEY or
 * BAD_VALUE.
 */
export async function configFromGguf(gguf: Gguf): Promise<GgufConfig> {
  const fields = new GgufFields(gguf.dir, gguf.metadata);
  const name = fields.string("general.architecture");
  const arch = GGUF_ARCHITECTURES.find((arch) => arch.name === name);
  if (!arch) {
    throw unknownGgufArchitecture(gguf.dir, name, GGUF_ARCHITECTURES.map(({ name }) => name));
  }
  if (fields.count(`${name}.expert_count`, 0) > 0) {
    throw unsupportedGgufModel(gguf.dir, "it is a mixture of experts");
  }
  const blocks = fields.count(`${name}.block_count`);
  if (blocks > gguf.tensors.size) {
    // Before anything is listed for each of them.
    const reason = `it claims ${blocks} blocks and has ${gguf.tensors.size} tensors`;
    throw unsupportedGgufModel(gguf.dir, reason);
  }
  const json: JsonObject = {
    architectures: [arch.className],
    model_type: arch.modelTypes[0]!,
    torch_dtype: "float32",
    ...arch.constants as JsonObject,
    vocab_size: gguf.tensors.get("token_embd.weight")?.shape[0] ??
      fields.count(`${name}.vocab_size`),
    tie_word_embeddings: !gguf.tensors.has("output.weight"),
  };
  for (const { hf, gguf: key, type, fallback } of arch.fields) {
    const path = `${name}.${key}`;
    if (fallback === "absent" && !fields.has(path)) continue;
    const other = fallback === "absent" ? undefined : fallback;
    json[hf] = type === "uint32" ? fields.count(path, other) : fields.number(path, other);
  }
  if (arch.name !== "gpt2") Object.assign(json, await attentionOf(gguf, fields, json, name));
  return { arch, json };
}

/** Heads, biases and rotary embedding. */
async function attentionOf(
  gguf: Gguf,
  fields: GgufFields,
  json: JsonObject,
  name: string,
): Promise<JsonObject> {
  const [hidden, heads] = [json.hidden_size as number, json.num_attention_heads as number];
  const headDim = fields.count(`${name}.attention.key_length`, hidden / heads);
  if (fields.count(`${name}.attention.value_length`, headDim) !== headDim) {
    throw unsupportedGgufModel(gguf.dir, "its keys and values are of different sizes");
  }
  const rotary = fields.count(`${name}.rope.dimension_count`, headDim);
  const theta = fields.number(`${name}.rope.freq_base`, 10_000);
  const more: JsonObject = {
    num_key_value_heads: fields.count(`${name}.attention.head_count_kv`, heads),
    head_dim: headDim,
    rope_theta: theta,
    rope_scaling: await ropeScalingOf(gguf, fields, theta, name),
  };
  if (rotary !== headDim) more.partial_rotary_factor = rotary / headDim;
  if (name === "llama") {
    more.attention_bias = gguf.tensors.has("blk.0.attn_q.bias");
    more.mlp_bias = gguf.tensors.has("blk.0.ffn_gate.bias");
  }
  const scalar = queryScalar(name, { ...json, ...more });
  if (scalar !== undefined) more.query_pre_attn_scalar = scalar;
  return more;
}

async function ropeScalingOf(
  gguf: Gguf,
  fields: GgufFields,
  theta: number,
  name: string,
): Promise<Json> {
  if (gguf.tensors.has("rope_freqs.weight")) {
    const scaling = scalingOf(await gguf.read("rope_freqs.weight"), theta);
    if (!scaling) throw unsupportedGgufModel(gguf.dir, "its rope_freqs are not Llama 3's");
    return {
      rope_type: "llama3",
      factor: scaling.factor,
      low_freq_factor: scaling.lowFreqFactor,
      high_freq_factor: scaling.highFreqFactor,
      original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
    };
  }
  if (gguf.tensors.has("rope_factors_long.weight")) {
    throw unsupportedGgufModel(gguf.dir, "its rotary scaling is longrope");
  }
  const key = `${name}.rope.scaling`;
  const type = fields.string(
    `${key}.type`,
    fields.has(`${name}.rope.scale_linear`) ? "linear" : "none",
  );
  if (type === "none") return null;
  const factor = fields.number(`${key}.factor`, fields.number(`${name}.rope.scale_linear`, 1));
  if (type === "linear") return factor === 1 ? null : { rope_type: "linear", factor };
  throw unsupportedGgufModel(gguf.dir, `its rotary scaling is ${type}`);
}
