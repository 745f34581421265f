/** Loads a Hugging Face model folder onto the current device. */

import { tf } from "../tensor/tf.ts";
import { checkFits } from "../tensor/limits.ts";
import { checkWeights } from "../weights/check.ts";
import { openWeights, type Weights } from "../weights/safetensors.ts";
import type { Architecture } from "./architecture.ts";
import { checkpointShapes } from "./checkpoint_names.ts";
import type { ModelConfig } from "./config.ts";
import { noModel } from "./errors.ts";
import { readJson } from "./folder.ts";
import type { CausalLM } from "./model.ts";
import { parseConfig } from "./parse_config.ts";
import { DecoderModel } from "./decoder_model.ts";
import { Parameters } from "./parameters.ts";
import { architectureOf } from "./registry.ts";

/** A model folder that was found whole, before any weight is read. */
export interface CheckedFolder {
  readonly config: ModelConfig;
  readonly architecture: Architecture;
  readonly weights: Weights;
  /** The shape of every weight that the model has, by the checkpoint's name. */
  readonly shapes: ReadonlyMap<string, number[]>;
  /** Tensors of the checkpoint that the architecture has no use for. */
  readonly unexpected: readonly string[];
}

/**
 * Reads a folder's configuration.
 *
 * @throws {OddsmithError} ModelError NO_MODEL, BAD_JSON, MISSING_FIELD, BAD_FIELD, UNSUPPORTED,
 * UNKNOWN_MODEL_TYPE.
 */
export async function loadConfig(dir: string): Promise<ModelConfig> {
  const source = await readJson(dir, "config.json");
  if (!source) throw noModel(dir);
  return parseConfig(source, await readJson(dir, "generation_config.json"));
}

/**
 * Checks that a folder's weights are what its configuration asks for, by their headers.
 *
 * @throws {OddsmithError} As `loadConfig`, and WeightsError (see `openWeights`, `checkWeights`).
 */
export async function checkModelFolder(dir: string): Promise<CheckedFolder> {
  const config = await loadConfig(dir);
  const architecture = architectureOf(config.modelType, dir);
  const weights = await openWeights(dir);
  const shapes = checkpointShapes(architecture, config, (name) => weights.tensors.has(name));
  const unexpected = checkWeights(weights, shapes)
    .filter((name) => !architecture.isIgnored(name));
  return { config, architecture, weights, shapes, unexpected };
}

/**
 * Loads a model: weights become float32 variables on the current device.
 *
 * @throws {OddsmithError} As `checkModelFolder`; WeightsError UNSUPPORTED_DTYPE; DeviceError
 * LIMIT_EXCEEDED where a weight outgrows the device.
 */
export async function loadCausalLM(dir: string): Promise<CausalLM> {
  const { config, architecture, weights, shapes } = await checkModelFolder(dir);
  const parameters = new Map<string, tf.Variable>();
  try {
    for (const [name, shape] of shapes) {
      checkFits(shape, `weight "${name}"`, 'the model\'s size, or set device to "wasm"');
      const values = tf.tensor(await weights.read(name), shape);
      parameters.set(name, tf.variable(values));
      values.dispose();
    }
  } catch (error) {
    tf.dispose([...parameters.values()]);
    throw error;
  }
  return buildModel(config, architecture, parameters);
}

/** Makes a model of weights, which it then owns. */
export function buildModel(
  config: ModelConfig,
  architecture: Architecture,
  parameters: ReadonlyMap<string, tf.Variable>,
): CausalLM {
  const blocks = architecture.blocks(config, new Parameters(parameters, architecture.basePrefix));
  return new DecoderModel(config, parameters, blocks);
}
