/**
 * A model's configuration as GGUF metadata, under llama.cpp's keys. What llama.cpp would compute
 * otherwise than the configuration says is refused.
 */

import type { GgufField } from "../../weights/gguf_types.ts";
import type { ModelConfig, RopeScaling } from "../config.ts";
import { badField, missingField, notInGgufModel } from "../errors.ts";
import type { ConfigSource } from "../parse_config.ts";
import type { GgufArchitecture } from "./architectures.ts";
import { queryScalar } from "./query_scalar.ts";

const uint32 = (value: number): GgufField => ({ type: "uint32", value });
const float32 = (value: number): GgufField => ({ type: "float32", value });

/** Rotary scalings that are written: as metadata, or as the tensor rope_freqs.weight. */
const ROPE_TYPES: readonly RopeScaling["ropeType"][] = ["default", "linear", "llama3"];

/** Models with a window over every block, which llama.cpp leaves out. */
const UNWINDOWED = ["mistral", "phi3"];

/** The architecture's own keys. @throws {OddsmithError} ModelError NOT_IN_GGUF, BAD_FIELD. */
export function configToGguf(
  arch: GgufArchitecture,
  source: ConfigSource,
  config: ModelConfig,
): Map<string, GgufField> {
  refuseOthers(arch, source, config);
  const json: Record<string, unknown> = {
    max_position_embeddings: config.maxPositionEmbeddings,
    n_inner: 4 * config.hiddenSize,
    // The newer rope_parameters says it elsewhere.
    ...(config.slidingRopeTheta ? { rope_local_base_freq: config.slidingRopeTheta } : {}),
    ...withoutNulls(source.json),
  };
  const metadata = new Map<string, GgufField>([["vocab_size", uint32(config.vocabSize)]]);
  for (const { hf, gguf, type, fallback } of arch.fields) {
    const value = json[hf] ?? fallback;
    if (value === "absent") continue;
    if (value === undefined) throw missingField(source.file, hf);
    if (typeof value !== "number") throw badField(source.file, hf, "a number", value);
    metadata.set(gguf, type === "uint32" ? uint32(value) : float32(value));
  }
  if (typeof json.sliding_window === "number" && UNWINDOWED.includes(config.modelType)) {
    // llama.cpp has no window there: what it computes is right up to the window's length.
    const length = Math.min(config.maxPositionEmbeddings, json.sliding_window);
    metadata.set("context_length", uint32(length));
  }
  if (arch.name !== "gpt2") addAttention(metadata, config);
  return new Map([...metadata].map(([key, field]) => [`${arch.name}.${key}`, field]));
}

function addAttention(metadata: Map<string, GgufField>, config: ModelConfig): void {
  const { headDim, ropeScaling } = config;
  metadata.set("attention.head_count_kv", uint32(config.numKeyValueHeads));
  metadata.set("attention.key_length", uint32(headDim));
  metadata.set("attention.value_length", uint32(headDim));
  metadata.set("rope.dimension_count", uint32(headDim));
  metadata.set("rope.freq_base", float32(config.ropeTheta));
  if (ropeScaling.ropeType === "linear") {
    metadata.set("rope.scaling.type", { type: "string", value: "linear" });
    metadata.set("rope.scaling.factor", float32(ropeScaling.factor));
  }
}

function refuseOthers(
  arch: GgufArchitecture,
  { file, json }: ConfigSource,
  config: ModelConfig,
): void {
  const refuse = (key: string) => {
    throw notInGgufModel(file, `llama.cpp's "${arch.name}" has no "${key}" of ${json[key]}`);
  };
  for (const [key, value] of Object.entries(arch.constants)) {
    const [received, expected] = [json[key] ?? value, value];
    // Two names for one function.
    if (received !== expected && !(expected === "silu" && received === "swish")) refuse(key);
  }
  const rope = (json.rope_parameters ?? {}) as Record<string, unknown>;
  const partial = json.partial_rotary_factor ?? rope.partial_rotary_factor ?? 1;
  if (partial !== 1) refuse("partial_rotary_factor");
  if (!ROPE_TYPES.includes(config.ropeScaling.ropeType)) {
    const reason = `llama.cpp's "${arch.name}" has no "${config.ropeScaling.ropeType}" rotation`;
    throw notInGgufModel(file, reason);
  }
  const kind = (i: number) => isSliding(arch, i) ? "sliding_attention" : "full_attention";
  if (!agrees(json.layer_types, kind)) refuse("layer_types");
  if (!agrees(json.no_rope_layers, (i) => Number((i + 1) % 4 !== 0))) refuse("no_rope_layers");
  const assumed = queryScalar(arch.name, {
    num_hidden_layers: config.numHiddenLayers,
    hidden_size: config.hiddenSize,
    num_attention_heads: config.numAttentionHeads,
    head_dim: config.headDim,
  });
  const scalar = json.query_pre_attn_scalar ?? assumed;
  if (assumed !== undefined && scalar !== assumed) refuse("query_pre_attn_scalar");
}

/** Whether a list says of every block what llama.cpp takes for granted. */
function agrees(list: unknown, expected: (block: number) => unknown): boolean {
  return !Array.isArray(list) || list.every((value, i) => value === expected(i));
}

function isSliding({ slidingUntilEvery: every }: GgufArchitecture, block: number): boolean {
  return every !== undefined && (block + 1) % every !== 0;
}

function withoutNulls(json: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}
