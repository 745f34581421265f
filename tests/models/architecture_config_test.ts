/** What config.json says beyond what the goldens' do: defaults, refusals, names of weights. */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import type { Json } from "../../src/base/json.ts";
import { checkpointShapes } from "../../src/models/folder/checkpoint_names.ts";
import { parseConfig } from "../../src/models/parse_config.ts";
import { architectureOf } from "../../src/models/architectures/registry.ts";
import golden from "../golden/architectures.json" with { type: "json" };

type Config = Record<string, Json>;

/** A golden's config.json as published, with changes; null removes a field. */
function configOf(name: keyof typeof golden.cases, changes: Record<string, Json>): Config {
  const config: Config = { ...golden.cases[name].published as Config, ...changes };
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
}

const parse = (name: keyof typeof golden.cases, changes: Record<string, Json> = {}) =>
  parseConfig({ file: "config.json", json: configOf(name, changes) });

for (
  const [name, changes, code, message] of [
    ["gpt2", { add_cross_attention: true }, "UNSUPPORTED", /"add_cross_attention" is true/],
    ["gpt2", { scale_attn_by_inverse_layer_idx: true }, "UNSUPPORTED", /inverse_layer_idx/],
    ["gpt2", { n_head: 5 }, "BAD_FIELD", /"n_head" should be a divisor of n_embd \(24\), it is 5/],
    ["gpt2", { activation_function: "quick_gelu" }, "UNSUPPORTED", /"quick_gelu", supported: /],
    ["gpt2", { n_layer: null }, "MISSING_FIELD", /"n_layer" is missing/],
    ["opt", { layer_norm_elementwise_affine: false }, "UNSUPPORTED", /elementwise_affine/],
    ["opt", { _remove_final_layer_norm: true }, "UNSUPPORTED", /_remove_final_layer_norm/],
    ["phi", { partial_rotary_factor: 1.5 }, "BAD_FIELD", /an even part of head_dim \(8\)/],
    ["phi", { partial_rotary_factor: 0.1 }, "BAD_FIELD", /an even part of head_dim \(8\)/],
    ["phi", { qk_layernorm: "yes" }, "BAD_FIELD", /"qk_layernorm" should be true or false/],
    [
      "phi3, longrope on part of a head",
      { rope_scaling: { type: "longrope", short_factor: [1, 1], long_factor: [1, 1, 1] } },
      "BAD_FIELD",
      /"rope_scaling.short_factor" should be a list of 3 numbers above 0, it is \[1,1\]/,
    ],
    ["phi3", { rope_scaling: { type: "dynamic" } }, "UNSUPPORTED", /"dynamic", supported: .*yarn/],
    ["mistral", { sliding_window: 0 }, "BAD_FIELD", /"sliding_window" should be a whole number/],
    ["mistral", { hidden_act: "gelu" }, "UNSUPPORTED", /"hidden_act" is "gelu"/],
    [
      "qwen2, window from the second layer",
      { layer_types: ["full_attention", "chunked_attention"] },
      "BAD_FIELD",
      /"layer_types" should be a list of 2, one a layer, each "sliding_attention" or "full_/,
    ],
    [
      "gemma2",
      { use_bidirectional_attention: true },
      "UNSUPPORTED",
      /"use_bidirectional_attention" is true/,
    ],
    ["gemma2", { hidden_activation: "relu" }, "UNSUPPORTED", /"hidden_activation" is "relu"/],
    ["gemma2", { attn_logit_softcapping: -1 }, "BAD_FIELD", /should be a number above 0, it is -1/],
    [
      "gemma3_text",
      { rope_parameters: { sliding_attention: { rope_type: "linear", factor: 2 } } },
      "UNSUPPORTED",
      /"rope_parameters.sliding_attention.rope_type" is "linear"/,
    ],
    ["smollm3", { no_rope_layers: [1, 2, 0] }, "BAD_FIELD", /"no_rope_layers" .* each 0 or 1/],
    ["olmo2", { quantization_config: { quant_method: "awq" } }, "UNSUPPORTED", /"awq"/],
  ] as const
) {
  Deno.test(`parseConfig: ${name} refuses ${JSON.stringify(changes)}`, () => {
    const error = assertThrows(() => parse(name, changes as Record<string, Json>), OddsmithError);
    assertEquals([error.kind, error.code], ["ModelError", code]);
    assertMatch(error.message, message);
    assertEquals(error.location?.file, "config.json");
  });
}

Deno.test("parseConfig: what config.json leaves out is transformers' default", () => {
  const gemma2 = parse("gemma2", {
    attn_logit_softcapping: null,
    final_logit_softcapping: null,
    sliding_window: null,
    query_pre_attn_scalar: null,
  });
  assertEquals(
    [gemma2.attnLogitSoftcapping, gemma2.finalLogitSoftcapping, gemma2.queryPreAttnScalar],
    [50, 30, 256],
  );
  assertEquals([gemma2.slidingWindow, gemma2.slidingLayers], [4096, [true, false, true]]);
  assertEquals(parse("mistral", { sliding_window: null }).slidingWindow, 4096);
  assertEquals(parse("qwen3", { head_dim: null }).headDim, 128);
  const smollm3 = parse("smollm3", { no_rope_layers: null, no_rope_layer_interval: null });
  assertEquals(smollm3.ropeLayers, [true, true, true]);
  assertEquals(parse("gpt2", { n_positions: null }).maxPositionEmbeddings, 1024);
});

Deno.test("parseConfig: smollm3's window is that of the layers that do not rotate", () => {
  const config = parse("smollm3", { use_sliding_window: true, sliding_window: 9 });
  assertEquals([config.slidingWindow, config.slidingLayers], [9, [false, false, true]]);
});

Deno.test("parseConfig: phi3 calls LongRoPE by three names", () => {
  const scaling = { short_factor: [1, 1, 1], long_factor: [2, 2, 2] };
  for (const type of ["longrope", "su", "yarn"]) {
    const rope_scaling = { ...scaling, type };
    const config = parse("phi3, longrope on part of a head", { rope_scaling });
    assertEquals(config.ropeScaling.ropeType, "longrope");
  }
});

Deno.test("parameterShapes: every architecture's are those that transformers saves", () => {
  for (const { config, shapes } of Object.values(golden.cases)) {
    const parsed = parseConfig({ file: "config.json", json: config });
    const own = architectureOf(parsed.modelType, "config.json").parameterShapes(parsed);
    assertEquals(Object.fromEntries(own), shapes as Record<string, number[]>);
  }
});

Deno.test("checkpointShapes: a checkpoint of the bare model keeps its shorter names", () => {
  const config = parse("gpt2");
  const gpt2 = architectureOf("gpt2", "config.json");
  const named = checkpointShapes(gpt2, config, (name) => name === "transformer.wte.weight");
  assert(named.has("transformer.h.1.ln_2.bias"));
  const bare = checkpointShapes(gpt2, config, (name) => name === "wte.weight");
  assert(bare.has("h.1.ln_2.bias") && !bare.has("transformer.h.1.ln_2.bias"));
  assertEquals(bare.size, named.size);
  assert(gpt2.isIgnored("h.0.attn.bias") && gpt2.isIgnored("transformer.h.0.attn.masked_bias"));
  assert(!gpt2.isIgnored("h.0.attn.c_attn.bias"));
});
