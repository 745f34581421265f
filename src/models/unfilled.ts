/** A model whose weights have sizes and no values: what a rehearsal runs. */

import { allocate } from "../tensor/program.ts";
import { tf } from "../tensor/tf.ts";
import type { ModelConfig } from "./config.ts";
import { buildModel } from "./load.ts";
import type { CausalLM } from "./model.ts";
import { architectureOf } from "./registry.ts";

/** Makes a model of a configuration on the current device, which is webgpu or its rehearsal. */
export function unfilledModel(config: ModelConfig): CausalLM {
  const architecture = architectureOf(config.modelType, "config.json");
  const parameters = new Map<string, tf.Variable>();
  for (const [name, shape] of architecture.parameterShapes(config)) {
    const values = allocate(shape, "float32", `weight "${name}"`);
    parameters.set(name, tf.variable(values));
    values.dispose();
  }
  return buildModel(config, architecture, parameters);
}
