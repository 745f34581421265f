/** Configurations as GGUF metadata: what llama.cpp computes otherwise is refused, not written. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import architectures from "../golden/architectures.json" with { type: "json" };
import { OddsmithError } from "../../src/base/error.ts";
import type { ModelConfig } from "../../src/models/config.ts";
import { GGUF_ARCHITECTURES } from "../../src/models/gguf/architectures.ts";
import { configToGguf } from "../../src/models/gguf/config_to_gguf.ts";

type Case = { config: Record<string, unknown> };
const cases = architectures.cases as unknown as Record<string, Case>;

/** A golden case's metadata, with config.json's values changed. */
function metadataOf(name: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  const json = { ...cases[name]!.config, ...change };
  const number = (...keys: string[]) => json[keys.find((key) => key in json)!] as number;
  const rope = (json.rope_parameters ?? {}) as Record<string, unknown>;
  const heads = number("num_attention_heads", "n_head");
  const hidden = number("hidden_size", "n_embd");
  const config = {
    modelType: json.model_type,
    vocabSize: json.vocab_size,
    hiddenSize: hidden,
    numHiddenLayers: number("num_hidden_layers", "n_layer"),
    numAttentionHeads: heads,
    numKeyValueHeads: json.num_key_value_heads ?? heads,
    headDim: json.head_dim ?? hidden / heads,
    maxPositionEmbeddings: number("max_position_embeddings", "n_positions"),
    ropeTheta: rope.rope_theta ?? 10_000,
    ropeScaling: { ropeType: "default" },
  } as unknown as ModelConfig;
  const arch = GGUF_ARCHITECTURES.find(({ modelTypes }) => modelTypes.includes(config.modelType))!;
  const metadata = configToGguf(arch, { file: "config.json", json }, config);
  return Object.fromEntries([...metadata].map(([key, { value }]) => [key, value]));
}

Deno.test("configToGguf: a model has llama.cpp's keys, its norms' epsilon as float32", () => {
  assertEquals(metadataOf("qwen3"), {
    "qwen3.vocab_size": 36,
    "qwen3.context_length": 64,
    "qwen3.embedding_length": 20,
    "qwen3.block_count": 2,
    "qwen3.feed_forward_length": 28,
    "qwen3.attention.head_count": 3,
    "qwen3.attention.layer_norm_rms_epsilon": 1e-5,
    "qwen3.attention.head_count_kv": 1,
    "qwen3.attention.key_length": 8,
    "qwen3.attention.value_length": 8,
    "qwen3.rope.dimension_count": 8,
    "qwen3.rope.freq_base": 10_000,
  });
});

Deno.test("configToGguf: GPT-2's inner size is four times its channels unless it says otherwise", () => {
  assertEquals(metadataOf("gpt2")["gpt2.feed_forward_length"], 96);
  assertEquals(metadataOf("gpt2", { n_inner: 50 })["gpt2.feed_forward_length"], 50);
});

Deno.test("configToGguf: a window that llama.cpp leaves out bounds the context", () => {
  assertEquals(metadataOf("mistral")["llama.context_length"], 6);
  assertEquals(metadataOf("phi3")["phi3.context_length"], 6);
  assertEquals(metadataOf("mistral, no window")["llama.context_length"], 64);
});

Deno.test("configToGguf: Gemma 2 has its window and its caps", () => {
  const metadata = metadataOf("gemma2", { query_pre_attn_scalar: 8 });
  assertEquals(metadata["gemma2.attention.sliding_window"], 6);
  assertEquals(metadata["gemma2.attn_logit_softcapping"], 5);
  assertEquals(metadata["gemma2.final_logit_softcapping"], 10);
});

for (
  const [name, change, message] of [
    ["gemma2", {}, /"query_pre_attn_scalar" of 10/],
    ["gemma3_text", {}, /"sliding_window_pattern" of 3/],
    ["gemma2", { query_pre_attn_scalar: 8, layer_types: ["full_attention"] }, /"layer_types"/],
    ["qwen2, window from the second layer", {}, /"use_sliding_window" of true/],
    ["qwen3, untied", {}, /"attention_bias" of true/],
    ["qwen3", { layer_types: ["sliding_attention"] }, /"layer_types" of sliding_attention/],
    ["phi3, longrope on part of a head", {}, /"partial_rotary_factor" of 0.75/],
    ["smollm3", {}, /"no_rope_layer_interval" of 3/],
    ["smollm3", { no_rope_layer_interval: 4 }, /"no_rope_layers" of 1,1,0/],
    ["gpt2", { activation_function: "relu" }, /"activation_function" of relu/],
  ] as [string, Record<string, unknown>, RegExp][]
) {
  Deno.test(`configToGguf: ${name} with ${message.source} is refused`, () => {
    const error = assertThrows(() => metadataOf(name, change), OddsmithError);
    assertEquals(error.code, "NOT_IN_GGUF");
    assertMatch(error.message, message);
  });
}
