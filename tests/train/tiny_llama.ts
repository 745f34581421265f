/** A Llama of two layers with drawn weights, for tests of training through a whole model. */

import { Rng } from "../../src/base/rng.ts";
import type { ModelConfig } from "../../src/models/config.ts";
import { buildModel } from "../../src/models/folder/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { architectureOf } from "../../src/models/architectures/registry.ts";
import { tf } from "../../src/tensor/tf.ts";

/** The configuration; grouped-query attention with biases. */
export const TINY_CONFIG: ModelConfig = {
  modelType: "llama",
  vocabSize: 24,
  hiddenSize: 16,
  intermediateSize: 20,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 4,
  maxPositionEmbeddings: 64,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
  ropeScaling: { ropeType: "default" },
  attentionBias: true,
  mlpBias: true,
  tieWordEmbeddings: true,
  initializerRange: 0.02,
  eosTokenIds: [2],
};

/** Draws the weights of a configuration, large enough for every part to matter. */
export function tinyLlama(seed: string, change: Partial<ModelConfig> = {}): CausalLM {
  const config = { ...TINY_CONFIG, ...change };
  const rng = Rng.fromSeed(seed);
  const llama = architectureOf("llama", "config.json");
  const parameters = new Map<string, tf.Variable>();
  for (const [name, shape] of llama.parameterShapes(config)) {
    const size = shape.reduce((a, b) => a * b, 1);
    const mean = name.includes("norm") ? 1 : 0;
    const drawn = Float32Array.from({ length: size }, () => mean + 0.3 * rng.normal());
    const start = tf.tensor(drawn, shape);
    parameters.set(name, tf.variable(start));
    start.dispose();
  }
  return buildModel(config, llama, parameters);
}
