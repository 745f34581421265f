/** The architectures there are, by config.json's model_type. */

import type { Architecture } from "../architecture.ts";
import type { ConfigSource } from "../config/fields.ts";
import { badField, missingField, unknownModelType } from "../errors.ts";
import { llama } from "./llama.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3Text } from "./gemma3_text.ts";
import { gpt2 } from "./gpt2.ts";
import { mistral } from "./mistral.ts";
import { olmo2 } from "./olmo2.ts";
import { opt } from "./opt.ts";
import { phi } from "./phi.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { smollm3 } from "./smollm3.ts";

const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  ["llama", llama],
  ["mistral", mistral],
  ["qwen2", qwen2],
  ["qwen3", qwen3],
  ["gemma2", gemma2],
  ["gemma3_text", gemma3Text],
  ["phi3", phi3],
  ["smollm3", smollm3],
  ["olmo2", olmo2],
  ["gpt2", gpt2],
  ["opt", opt],
  ["phi", phi],
]);

/** What `model_type` says. @throws {OddsmithError} ModelError MISSING_FIELD, BAD_FIELD. */
export function modelTypeOf(source: ConfigSource): string {
  const value = source.json.model_type;
  if (value === undefined) throw missingField(source.file, "model_type");
  if (typeof value !== "string") throw badField(source.file, "model_type", "a string", value);
  return value;
}

/**
 * Finds the architecture of a config.json.
 *
 * @throws {OddsmithError} ModelError MISSING_FIELD, BAD_FIELD; UNKNOWN_MODEL_TYPE, which lists the
 * known ones with what sets each apart.
 */
export function architectureFor(source: ConfigSource): Architecture {
  return architectureOf(modelTypeOf(source), source.file);
}

/**
 * Finds an architecture.
 *
 * @param file config.json's path, for the message.
 * @throws {OddsmithError} ModelError UNKNOWN_MODEL_TYPE, as `architectureFor`.
 */
export function architectureOf(modelType: string, file: string): Architecture {
  const architecture = ARCHITECTURES.get(modelType);
  if (!architecture) {
    const known = [...ARCHITECTURES].map(([name, { summary }]) => ({ name, summary }));
    throw unknownModelType(file, modelType, known);
  }
  return architecture;
}
