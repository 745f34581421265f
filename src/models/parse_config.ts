/**
 * Reads config.json as Hugging Face writes it: old and new spellings, transformers' defaults, and a
 * clear error for what this project does not do. A setting that changes the result is never
 * ignored. What is read is the architecture's: config/ holds what they share.
 */

import type { ModelConfig } from "./config.ts";
import type { ConfigSource } from "./config/fields.ts";
import { architectureFor } from "./architectures/registry.ts";

export type { ConfigSource } from "./config/fields.ts";
export { modelTypeOf } from "./architectures/registry.ts";

/**
 * Parses a model's configuration.
 *
 * @param generation generation_config.json, whose end-of-sequence ids go before config.json's.
 * @throws {OddsmithError} ModelError MISSING_FIELD, BAD_FIELD, UNSUPPORTED or UNKNOWN_MODEL_TYPE.
 */
export function parseConfig(source: ConfigSource, generation?: ConfigSource): ModelConfig {
  return architectureFor(source).parseConfig({ source, generation });
}
