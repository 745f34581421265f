/**
 * Reads config.json as Hugging Face writes it: old and new spellings, its defaults, and a clear
 * error for what this project does not do. A setting that changes the result is never ignored.
 */

import type { ModelConfig, RopeScaling } from "./config.ts";
import { badField, missingField, unsupportedField } from "./errors.ts";

/** A parsed JSON object, and the file it came from for messages. */
export interface ConfigSource {
  readonly file: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** What `model_type` says. @throws {OddsmithError} ModelError MISSING_FIELD. */
export function modelTypeOf(source: ConfigSource): string {
  const value = source.json.model_type;
  if (value === undefined) throw missingField(source.file, "model_type");
  if (typeof value !== "string") throw badField(source.file, "model_type", "a string", value);
  return value;
}

/**
 * Parses the configuration of a Llama-family model.
 *
 * @param generation generation_config.json, whose end-of-sequence ids go before config.json's.
 * @throws {OddsmithError} ModelError MISSING_FIELD, BAD_FIELD or UNSUPPORTED.
 */
export function parseConfig(source: ConfigSource, generation?: ConfigSource): ModelConfig {
  const field = new Fields(source);
  refuseUnsupported(source);
  const hiddenSize = field.count("hidden_size");
  const numAttentionHeads = field.count("num_attention_heads");
  const numKeyValueHeads = field.count("num_key_value_heads", numAttentionHeads);
  const headDim = field.count("head_dim", hiddenSize / numAttentionHeads);
  if (numAttentionHeads % numKeyValueHeads !== 0) {
    const expected = `a divisor of num_attention_heads (${numAttentionHeads})`;
    throw badField(source.file, "num_key_value_heads", expected, numKeyValueHeads);
  }
  if (headDim % 2 !== 0) throw badField(source.file, "head_dim", "an even number", headDim);
  return {
    modelType: modelTypeOf(source),
    vocabSize: field.count("vocab_size"),
    hiddenSize,
    intermediateSize: field.count("intermediate_size"),
    numHiddenLayers: field.count("num_hidden_layers"),
    numAttentionHeads,
    numKeyValueHeads,
    headDim,
    maxPositionEmbeddings: field.count("max_position_embeddings", 2048),
    rmsNormEps: field.positive("rms_norm_eps", 1e-6),
    ...parseRope(source),
    attentionBias: field.flag("attention_bias", false),
    mlpBias: field.flag("mlp_bias", false),
    tieWordEmbeddings: field.flag("tie_word_embeddings", false),
    initializerRange: field.positive("initializer_range", 0.02),
    bosTokenId: field.tokenIds("bos_token_id")[0],
    eosTokenIds: endTokens(field, generation),
    padTokenId: field.tokenIds("pad_token_id")[0],
  };
}

function endTokens(config: Fields, generation: ConfigSource | undefined): number[] {
  const own = generation ? new Fields(generation).tokenIds("eos_token_id") : [];
  return own.length > 0 ? own : config.tokenIds("eos_token_id");
}

function refuseUnsupported({ file, json }: ConfigSource): void {
  const act = json.hidden_act ?? "silu";
  if (act !== "silu" && act !== "swish") {
    throw unsupportedField(file, "hidden_act", act, '"silu"');
  }
  const partial = json.partial_rotary_factor ?? 1;
  if (partial !== 1) throw unsupportedField(file, "partial_rotary_factor", partial, "1");
  const interleaved = json.rope_interleaved ?? false;
  if (interleaved !== false) throw unsupportedField(file, "rope_interleaved", interleaved, "false");
  if (json.quantization_config !== undefined && json.quantization_config !== null) {
    const kind = (json.quantization_config as Record<string, unknown>).quant_method ?? "present";
    throw unsupportedField(file, "quantization_config", kind, "unquantized checkpoints");
  }
}

/** rope_theta with rope_scaling, or both in the newer rope_parameters. */
function parseRope(source: ConfigSource): { ropeTheta: number; ropeScaling: RopeScaling } {
  const { file, json } = source;
  const key = json.rope_parameters ? "rope_parameters" : "rope_scaling";
  const value = json[key] ?? {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw badField(file, key, "an object", value);
  }
  const scaling = value as Record<string, unknown>;
  const theta = new Fields({ file, json: { rope_theta: scaling.rope_theta ?? json.rope_theta } });
  return {
    ropeTheta: theta.positive("rope_theta", 10_000),
    ropeScaling: parseScaling({ file, json: scaling }, key),
  };
}

function parseScaling(source: ConfigSource, key: string): RopeScaling {
  const { file, json } = source;
  const field = new Fields(source, `${key}.`);
  const ropeType = json.rope_type ?? json.type ?? "default";
  switch (ropeType) {
    case "default":
      return { ropeType: "default" };
    case "linear":
      return { ropeType: "linear", factor: field.positive("factor") };
    case "llama3":
      return {
        ropeType: "llama3",
        factor: field.positive("factor"),
        lowFreqFactor: field.positive("low_freq_factor"),
        highFreqFactor: field.positive("high_freq_factor"),
        originalMaxPositionEmbeddings: field.count("original_max_position_embeddings"),
      };
    default:
      throw unsupportedField(file, `${key}.rope_type`, ropeType, "default, linear, llama3");
  }
}

/** Typed access to a JSON object's fields; null counts as absent. */
class Fields {
  readonly #source: ConfigSource;
  /** Put before names in messages. */
  readonly #prefix: string;

  constructor(source: ConfigSource, prefix = "") {
    this.#source = source;
    this.#prefix = prefix;
  }

  /** A whole number of 1 or more. */
  count(name: string, fallback?: number): number {
    return this.#read(
      name,
      fallback,
      "a whole number of 1 or more",
      (value) => Number.isSafeInteger(value) && (value as number) >= 1,
    );
  }

  /** A number above 0. */
  positive(name: string, fallback?: number): number {
    return this.#read(
      name,
      fallback,
      "a number above 0",
      (value) => typeof value === "number" && value > 0,
    );
  }

  /** True or false. */
  flag(name: string, fallback: boolean): boolean {
    return this.#read(name, fallback, "true or false", (value) => typeof value === "boolean");
  }

  /** A token id, a list of them, or none. */
  tokenIds(name: string): number[] {
    const isId = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
    const value = this.#read<number | number[]>(
      name,
      [],
      "a token id or a list of them",
      (value) => isId(value) || Array.isArray(value) && value.every(isId),
    );
    return typeof value === "number" ? [value] : value;
  }

  #read<T>(
    name: string,
    fallback: T | undefined,
    expected: string,
    fits: (value: unknown) => boolean,
  ): T {
    const value = this.#source.json[name] ?? fallback;
    if (value === undefined) throw missingField(this.#source.file, this.#prefix + name);
    if (!fits(value)) throw badField(this.#source.file, this.#prefix + name, expected, value);
    return value as T;
  }
}
