/** What a model_type brings: its weights' names and shapes, and how it computes. */

import type { tf } from "../tensor/tf.ts";
import type { ModelConfig } from "./config.ts";
import type { CausalLM } from "./model.ts";

/** One architecture; `registry.ts` lists them by model_type. */
export interface Architecture {
  /** Every weight's shape by its name in checkpoints. */
  parameterShapes(config: ModelConfig): Map<string, number[]>;
  /** Names in checkpoints that are known to be of no use, such as buffers that can be computed. */
  isIgnored(name: string): boolean;
  /** Makes a model of weights that it then owns. */
  build(config: ModelConfig, parameters: ReadonlyMap<string, tf.Variable>): CausalLM;
}
