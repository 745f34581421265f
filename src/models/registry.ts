/** The architectures there are, by config.json's model_type. */

import type { Architecture } from "./architecture.ts";
import { unknownModelType } from "./errors.ts";
import { llama } from "./llama.ts";

const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([["llama", llama]]);

/**
 * Finds an architecture.
 *
 * @param file config.json's path, for the message.
 * @throws {OddsmithError} ModelError UNKNOWN_MODEL_TYPE, which lists the known ones.
 */
export function architectureOf(modelType: string, file: string): Architecture {
  const architecture = ARCHITECTURES.get(modelType);
  if (!architecture) throw unknownModelType(file, modelType, [...ARCHITECTURES.keys()]);
  return architecture;
}
