import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { parseConfig } from "../../src/models/parse_config.ts";
import { architectureOf } from "../../src/models/architectures/registry.ts";

const LEAST = {
  model_type: "llama",
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 8,
};

const parse = (changes: Record<string, unknown> = {}, generation?: Record<string, unknown>) =>
  parseConfig(
    { file: "config.json", json: { ...LEAST, ...changes } },
    generation && { file: "generation_config.json", json: generation },
  );

Deno.test("parseConfig: fills in what Hugging Face leaves out", () => {
  assertEquals(parse(), {
    modelType: "llama",
    vocabSize: 100,
    hiddenSize: 64,
    intermediateSize: 96,
    numHiddenLayers: 2,
    numAttentionHeads: 8,
    numKeyValueHeads: 8,
    headDim: 8,
    maxPositionEmbeddings: 2048,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    ropeScaling: { ropeType: "default" },
    attentionBias: false,
    mlpBias: false,
    tieWordEmbeddings: false,
    initializerRange: 0.02,
    bosTokenId: undefined,
    eosTokenIds: [],
    padTokenId: undefined,
  });
});

Deno.test("parseConfig: reads rope_scaling in both spellings and rope_parameters", () => {
  const linear = { ropeType: "linear", factor: 4 } as const;
  assertEquals(parse({ rope_scaling: { type: "linear", factor: 4 } }).ropeScaling, linear);
  assertEquals(parse({ rope_scaling: { rope_type: "linear", factor: 4 } }).ropeScaling, linear);
  const newer = parse({ rope_parameters: { rope_type: "default", rope_theta: 5e5 } });
  assertEquals([newer.ropeTheta, newer.ropeScaling.ropeType], [5e5, "default"]);
  const llama3 = parse({
    rope_theta: 5e5,
    rope_scaling: {
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    },
  });
  assertEquals(llama3.ropeTheta, 5e5);
  assertEquals(llama3.ropeScaling, {
    ropeType: "llama3",
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositionEmbeddings: 8192,
  });
});

Deno.test("parseConfig: end-of-sequence ids are one, a list, or generation_config's", () => {
  assertEquals(parse({ eos_token_id: 2 }).eosTokenIds, [2]);
  assertEquals(parse({ eos_token_id: [2, 3] }).eosTokenIds, [2, 3]);
  assertEquals(parse({ eos_token_id: 2 }, { eos_token_id: [5, 6] }).eosTokenIds, [5, 6]);
  assertEquals(parse({ eos_token_id: 2 }, {}).eosTokenIds, [2]);
});

for (
  const [name, changes, code, message] of [
    ["a missing size", { hidden_size: undefined }, "MISSING_FIELD", /"hidden_size" is missing/],
    [
      "a size as text",
      { vocab_size: "100" },
      "BAD_FIELD",
      /"vocab_size" should be a whole .* "100"/,
    ],
    ["a half head", { num_attention_heads: 7 }, "BAD_FIELD", /"head_dim"/],
    ["an odd head", { head_dim: 7 }, "BAD_FIELD", /"head_dim" should be an even number/],
    [
      "a layer for each atom",
      { num_hidden_layers: 2 ** 31 },
      "BAD_FIELD",
      /up to 10000, it is 214/,
    ],
    ["a base of 1e999", { rope_theta: Infinity }, "BAD_FIELD", /"rope_theta" .*, it is Infinity/],
    ["uneven groups", { num_key_value_heads: 3 }, "BAD_FIELD", /a divisor of num_attention_heads/],
    ["a flag as a number", { attention_bias: 1 }, "BAD_FIELD", /"attention_bias" should be true/],
    ["another activation", { hidden_act: "gelu" }, "UNSUPPORTED", /"hidden_act" is "gelu"/],
    [
      "dynamic rotation",
      { rope_scaling: { type: "dynamic", factor: 2 } },
      "UNSUPPORTED",
      /"rope_scaling.rope_type" is "dynamic", supported: def/,
    ],
    ["no factor", { rope_scaling: { type: "linear" } }, "MISSING_FIELD", /"rope_scaling.factor"/],
    ["rope as text", { rope_scaling: "linear" }, "BAD_FIELD", /"rope_scaling" should be an object/],
    ["interleaved rotation", { rope_interleaved: true }, "UNSUPPORTED", /rope_interleaved/],
    ["partial rotation", { partial_rotary_factor: 0.5 }, "UNSUPPORTED", /partial_rotary_factor/],
    ["quantized weights", { quantization_config: { quant_method: "gptq" } }, "UNSUPPORTED", /gptq/],
    [
      "an eos that is no id",
      { eos_token_id: "</s>" },
      "BAD_FIELD",
      /"eos_token_id" should be a tok/,
    ],
  ] as const
) {
  Deno.test(`parseConfig: refuses ${name}, naming field and value`, () => {
    const error = assertThrows(() => parse(changes), OddsmithError);
    assertEquals([error.kind, error.code], ["ModelError", code]);
    assertMatch(error.message, message);
    assertEquals(error.location?.file, "config.json");
  });
}

Deno.test("architectureOf: an unknown model_type lists the known ones and the nearest", () => {
  const error = assertThrows(() => architectureOf("lama", "config.json"), OddsmithError);
  assertEquals(error.code, "UNKNOWN_MODEL_TYPE");
  assertMatch(error.message, /no architecture "lama"; there is: llama/);
  assertMatch(error.hint!, /^did you mean "llama"\? What they are: llama: rms norms .*; mistral: /);
});
