/** Reads the rotary settings: rope_theta with rope_scaling, or both in the newer rope_parameters. */

import type { RopeScaling } from "../config.ts";
import { badField, unsupportedField } from "../errors.ts";
import { type ConfigSource, Fields } from "./fields.ts";

/** What config.json says of rotation. */
export interface RopeFields {
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  /** Values of a head that are rotated, where not all are. */
  readonly rotaryDim?: number;
}

/** What an architecture allows, and the defaults that it has. */
export interface RopeRules {
  readonly headDim: number;
  readonly maxPositionEmbeddings: number;
  readonly theta?: number;
  /** The factor where config.json has none; absent: partial rotation is refused. */
  readonly partialRotaryFactor?: number;
}

/** Reads settings that are the same for all layers. */
export function ropeFields(source: ConfigSource, rules: RopeRules): RopeFields {
  const { file, json } = source;
  const { headDim, maxPositionEmbeddings, theta = 10_000, partialRotaryFactor } = rules;
  const key = json.rope_parameters ? "rope_parameters" : "rope_scaling";
  const { rope_theta, partial_rotary_factor } = json;
  const merged = { file, json: { rope_theta, partial_rotary_factor, ...objectOf(source, key) } };
  const fields = new Fields(merged);
  if (partialRotaryFactor === undefined) fields.only("partial_rotary_factor", 1);
  const factor = fields.positive("partial_rotary_factor", partialRotaryFactor ?? 1);
  const rotaryDim = Math.floor(headDim * factor);
  if (factor > 1 || rotaryDim < 2 || rotaryDim % 2 !== 0) {
    throw fields.bad("partial_rotary_factor", `an even part of head_dim (${headDim})`, factor);
  }
  return {
    ropeTheta: fields.positive("rope_theta", theta),
    ropeScaling: scalingOf(merged, key, { whole: source, rotaryDim, maxPositionEmbeddings }),
    ...(rotaryDim < headDim ? { rotaryDim } : {}),
  };
}

/** The object at a key; empty where absent. @throws {OddsmithError} ModelError BAD_FIELD. */
export function objectOf({ file, json }: ConfigSource, key: string): Record<string, unknown> {
  const value = json[key] ?? {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw badField(file, key, "an object", value);
  }
  return value as Record<string, unknown>;
}

interface ScalingSizes {
  /** config.json itself, whose original_max_position_embeddings goes before the object's. */
  readonly whole: ConfigSource;
  readonly rotaryDim: number;
  readonly maxPositionEmbeddings: number;
}

function scalingOf(source: ConfigSource, key: string, sizes: ScalingSizes): RopeScaling {
  const { file, json } = source;
  const field = new Fields(source, `${key}.`);
  const ropeType = json.rope_type ?? json.type ?? "default";
  const original = () =>
    new Fields(sizes.whole).optionalCount("original_max_position_embeddings") ??
      field.count("original_max_position_embeddings", sizes.maxPositionEmbeddings);
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
    case "yarn":
      // Phi-3's first checkpoints call LongRoPE so.
      if (json.short_factor) return longRopeOf(field, original(), sizes);
      return yarnOf(field, original(), sizes);
    case "longrope":
    case "su":
      return longRopeOf(field, original(), sizes);
    default:
      throw unsupportedField(
        file,
        `${key}.rope_type`,
        ropeType,
        "default, linear, llama3, yarn, longrope",
      );
  }
}

function longRopeOf(
  field: Fields,
  originalMaxPositionEmbeddings: number,
  { rotaryDim, maxPositionEmbeddings }: ScalingSizes,
): RopeScaling {
  const factor = field.positive("factor", maxPositionEmbeddings / originalMaxPositionEmbeddings);
  const gain = Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositionEmbeddings));
  return {
    ropeType: "longrope",
    shortFactors: field.positives("short_factor", rotaryDim / 2),
    longFactors: field.positives("long_factor", rotaryDim / 2),
    originalMaxPositionEmbeddings,
    attentionFactor: field.positive("attention_factor", factor <= 1 ? 1 : gain),
  };
}

function yarnOf(
  field: Fields,
  original: number,
  { maxPositionEmbeddings }: ScalingSizes,
): RopeScaling {
  const factor = field.positive("factor", maxPositionEmbeddings / original);
  const scale = (by: number) => factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1;
  const [numerator, denominator] = [
    field.optionalPositive("mscale"),
    field.optionalPositive("mscale_all_dim"),
  ];
  const usual = numerator && denominator ? scale(numerator) / scale(denominator) : scale(1);
  return {
    ropeType: "yarn",
    factor,
    betaFast: field.positive("beta_fast", 32),
    betaSlow: field.positive("beta_slow", 1),
    truncate: field.flag("truncate", true),
    originalMaxPositionEmbeddings: original,
    attentionFactor: field.positive("attention_factor", usual),
  };
}
