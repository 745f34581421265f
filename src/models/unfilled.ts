/** A model whose weights have sizes and no values: what a rehearsal runs. */

import { type PackedMatrix, unfilledPackedMatrix } from "../tensor/packed_matrix.ts";
import { allocate } from "../tensor/program.ts";
import { tf } from "../tensor/tf.ts";
import type { ModelConfig } from "./config.ts";
import { buildModel, keptFormat } from "./folder/load.ts";
import { LoraAdapters, newDeltas } from "./lora/lora.ts";
import { loraModules } from "./lora/settings.ts";
import type { CausalLM } from "./model.ts";
import { architectureOf } from "./architectures/registry.ts";
import type { Quantization } from "./weights.ts";

/** What is trained of it, and how the rest is kept. */
export interface UnfilledOptions {
  /** The branches that train; absent: all weights do. */
  readonly lora?: Pick<LoraAdapters, "settings" | "modules">;
  /** How frozen weights are kept; needs `lora`. Default "none". */
  readonly quantization?: Quantization;
}

/** Makes a model of a configuration on the current device, which is webgpu or its rehearsal. */
export function unfilledModel(
  config: ModelConfig,
  { lora, quantization }: UnfilledOptions = {},
): CausalLM {
  const architecture = architectureOf(config.modelType, "config.json");
  const modules = loraModules({ config, architecture });
  const floats = new Map<string, tf.Variable>();
  const packed = new Map<string, PackedMatrix>();
  for (const [name, shape] of architecture.parameterShapes(config)) {
    const format = lora && keptFormat(name, shape, quantization, modules);
    if (format) {
      packed.set(name, unfilledPackedMatrix(shape as [number, number], format));
      continue;
    }
    const values = allocate(shape, "float32", `weight "${name}"`);
    floats.set(name, tf.variable(values));
    values.dispose();
  }
  const adapters = lora &&
    new LoraAdapters(lora.settings, newDeltas(lora.modules, lora.settings, ""));
  return buildModel(config, architecture, { floats, packed }, adapters);
}
