/**
 * How a model wants to be sampled: what its generation_config.json says, by transformers' names.
 * Only what is written counts, not what transformers would assume beside it (a top_k of 50).
 */

import { badField } from "../errors.ts";
import { readJson } from "../folder/files.ts";
import type { ConfigSource } from "../parse_config.ts";
import type { SamplingOptions } from "./sample.ts";

/** What applies where the user says nothing. */
export interface GenerationDefaults extends SamplingOptions {
  /** Present where the model is to be sampled ("do_sample"); else the likeliest token is taken. */
  readonly temperature?: number;
  /** Tokens at most. */
  readonly maxNewTokens?: number;
}

/**
 * Reads the defaults of a model folder; none where it has no generation_config.json.
 *
 * @throws {OddsmithError} ModelError BAD_JSON, BAD_FIELD.
 */
export async function readGenerationDefaults(dir: string): Promise<GenerationDefaults> {
  const source = await readJson(dir, "generation_config.json");
  return source === undefined ? {} : generationDefaults(source);
}

/**
 * The defaults of a generation_config.json that was read.
 *
 * @throws {OddsmithError} ModelError BAD_FIELD.
 */
export function generationDefaults(source: ConfigSource): GenerationDefaults {
  const { file } = source;
  const { json } = source;
  const number = (name: string, wanted: string, isGood: (value: number) => boolean) => {
    const value = json[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "number" && Number.isFinite(value) && isGood(value)) return value;
    throw badField(file, name, wanted, value);
  };
  const isCount = (value: number) => Number.isInteger(value) && value >= 0;
  const isShare = (value: number) => value >= 0 && value <= 1;
  const temperature = number("temperature", "a number above 0", (value) => value > 0);
  const all = {
    temperature: json.do_sample === true ? temperature ?? 1 : undefined,
    topK: number("top_k", "a whole number from 0", isCount),
    topP: number("top_p", "a number above 0, up to 1", (value) => value > 0 && isShare(value)),
    minP: number("min_p", "a number from 0 to 1", isShare),
    repetitionPenalty: number("repetition_penalty", "a number above 0", (value) => value > 0),
    maxNewTokens: number("max_new_tokens", "a whole number from 1", (n) => isCount(n) && n > 0),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
