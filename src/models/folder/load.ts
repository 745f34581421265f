/** Loads a model onto the current device: a Hugging Face folder, or what was checked otherwise. */

import { checkFits } from "../../tensor/limits.ts";
import { type PackedFormat, type PackedMatrix, packMatrix } from "../../tensor/packed_matrix.ts";
import { tf } from "../../tensor/tf.ts";
import { checkWeights } from "../../weights/check.ts";
import { openWeights, type Weights } from "../../weights/safetensors.ts";
import type { Architecture } from "../architecture.ts";
import { checkpointShapes } from "./checkpoint_names.ts";
import type { ModelConfig } from "../config.ts";
import { noModel } from "../errors.ts";
import { readJson } from "./files.ts";
import type { LoraAdapters } from "../lora/lora.ts";
import { type LoraModule, loraModules } from "../lora/settings.ts";
import type { CausalLM } from "../model.ts";
import { parseConfig } from "../parse_config.ts";
import { DecoderModel } from "../decoder_model.ts";
import { Parameters } from "../parameters.ts";
import { architectureOf } from "../architectures/registry.ts";
import {
  disposeWeights,
  floatWeights,
  formatOf,
  type ModelWeights,
  type Quantization,
} from "../weights.ts";

/** A model that was found whole, before any weight is read. */
export interface CheckedModel {
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
export async function checkModelFolder(dir: string): Promise<CheckedModel> {
  const config = await loadConfig(dir);
  const architecture = architectureOf(config.modelType, dir);
  const weights = await openWeights(dir);
  const shapes = checkpointShapes(architecture, config, (name) => weights.tensors.has(name));
  const unexpected = checkWeights(weights, shapes)
    .filter((name) => !architecture.isIgnored(name));
  return { config, architecture, weights, shapes, unexpected };
}

/** What a model is loaded as. */
export interface LoadOptions {
  /** Makes branches beside its weights, which are then frozen. */
  readonly lora?: (base: CheckedModel) => LoraAdapters | Promise<LoraAdapters>;
  /** Whether its weights are frozen without branches too: to compute with alone. Default false. */
  readonly frozen?: boolean;
  /** How frozen weights are kept. Default "none": float32. */
  readonly quantization?: Quantization;
}

/**
 * Loads a model onto the current device: weights become float32 variables, or are packed one by one.
 *
 * @param from Its folder, or the model as `checkModelFolder` or `openGgufModel` found it.
 * @throws {OddsmithError} As `checkModelFolder`; WeightsError UNSUPPORTED_DTYPE; DeviceError
 * LIMIT_EXCEEDED where a weight outgrows the device; NON_FINITE_WEIGHT where it cannot be packed.
 */
export async function loadCausalLM(
  from: string | CheckedModel,
  options: LoadOptions = {},
): Promise<CausalLM> {
  const checked = typeof from === "string" ? await checkModelFolder(from) : from;
  const { config, architecture, weights, shapes } = checked;
  const lora = await options.lora?.(checked);
  const frozen = lora !== undefined || options.frozen === true;
  const modules = loraModules(checked);
  const floats = new Map<string, tf.Variable>();
  const packed = new Map<string, PackedMatrix>();
  try {
    for (const [name, shape] of shapes) {
      const format = frozen ? keptFormat(name, shape, options.quantization, modules) : undefined;
      const values = await weights.read(name);
      if (format) {
        packed.set(name, packMatrix(values, shape as [number, number], format));
      } else {
        checkFits(shape, `weight "${name}"`, 'the model\'s size, or set device to "wasm"');
        floats.set(name, tf.tidy(() => tf.variable(tf.tensor(values, shape), !frozen)));
      }
    }
  } catch (error) {
    disposeWeights({ floats, packed });
    lora?.dispose();
    throw error;
  }
  return buildModel(config, architecture, { floats, packed }, lora);
}

/** The format a weight of a model is packed in; undefined: float32. */
export function keptFormat(
  name: string,
  shape: readonly number[],
  quantization: Quantization = "none",
  modules: ReadonlyMap<string, LoraModule>,
): PackedFormat | undefined {
  const module = [...modules.values()].find(({ weight }) => weight === name);
  return module && formatOf(shape, quantization, module.kind === "linear");
}

/** Makes a model of weights and branches, which it then owns; beside branches weights are frozen. */
export function buildModel(
  config: ModelConfig,
  architecture: Architecture,
  weights: ModelWeights | ReadonlyMap<string, tf.Variable>,
  lora?: LoraAdapters,
): CausalLM {
  const given = "floats" in weights ? weights : floatWeights(weights);
  if (lora) { for (const variable of given.floats.values()) variable.trainable = false; }
  const blocks = architecture.blocks(config, new Parameters(given, architecture.basePrefix, lora));
  return new DecoderModel(config, given, blocks, lora);
}
