/**
 * LoRA adapters as PEFT's folders: adapter_config.json and adapter_model.safetensors, written as
 * save_pretrained does (without the copies of embeddings that save_embedding_layers adds), and read
 * back with every name and shape checked against the base.
 */

import { join } from "@std/path";
import { writeFileAtomic } from "../../base/atomic.ts";
import { openWeightFile, type Weights } from "../../weights/safetensors.ts";
import { writeSafetensors } from "../../weights/write_safetensors.ts";
import { readAdapterConfig } from "./config.ts";
import { branchTensors, type LoraAdapters, type LoraDelta } from "./lora.ts";
import { adapterShape, baseDiffers, foreignTensor, missingTensor } from "./errors.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, adapterFiles } from "./folder.ts";
import {
  branchNumbers,
  type LoraModule,
  loraModules,
  type LoraSettings,
  writtenTargets,
} from "./settings.ts";
import type { CheckedModel } from "../folder/load.ts";

/** An adapter, read. */
export interface AdapterFolder {
  readonly settings: LoraSettings;
  readonly deltas: readonly LoraDelta[];
}

/**
 * Reads an adapter of a base.
 *
 * @throws {OddsmithError} ModelError ADAPTER_MISSING, ADAPTER_CONFIG, ADAPTER_UNSUPPORTED,
 * ADAPTER_MISMATCH; WeightsError where the file is damaged.
 */
export async function readAdapter(dir: string, base: CheckedModel): Promise<AdapterFolder> {
  const [configFile, weightsFile] = await adapterFiles(dir);
  const settings = await readAdapterConfig(configFile);
  const weights = await openWeightFile(weightsFile);
  const modules = loraModules(base);
  const chosen = await adaptedModules(weights, modules, base);
  const deltas: LoraDelta[] = [];
  for (const module of chosen) {
    const { r, scale } = branchNumbers(settings, module.name);
    const { nameA, nameB, shapeA, shapeB } = branchTensors(module, r);
    deltas.push({
      module,
      r,
      scale,
      loraA: await readShaped(weights, nameA, shapeA, base.weights.dir),
      loraB: await readShaped(weights, nameB, shapeB, base.weights.dir),
    });
  }
  const targetModules = writtenTargets(modules, chosen, settings.targetModules);
  return { settings: { ...settings, targetModules }, deltas };
}

/** The modules that the file has branches for. */
async function adaptedModules(
  weights: Weights,
  modules: ReadonlyMap<string, LoraModule>,
  base: CheckedModel,
): Promise<LoraModule[]> {
  const owners = new Map<string, LoraModule>();
  for (const module of modules.values()) {
    const { nameA, nameB } = branchTensors(module, 1);
    owners.set(nameA, module).set(nameB, module);
  }
  const chosen = new Set<LoraModule>();
  for (const name of weights.tensors.keys()) {
    const copyOf = /^base_model\.model\.(.*)\.base_layer\.weight$/.exec(name)?.[1];
    const module = copyOf === undefined ? owners.get(name) : modules.get(copyOf);
    if (!module) {
      throw foreignTensor(weights.dir, name, {
        base: base.weights.dir,
        modules: [...modules.keys()],
      });
    }
    if (copyOf === undefined) chosen.add(module);
    else await checkCopy(weights, name, module, base.weights);
  }
  if (chosen.size === 0) throw missingTensor(weights.dir, "base_model.model.….lora_A.weight");
  return [...modules.values()].filter((module) => chosen.has(module));
}

/** Largest difference, as a part of the largest value, that a copy in another dtype may have. */
const COPY_TOLERANCE = 0.01;

/** save_embedding_layers puts a copy of a base weight into the file: it must be the base's. */
async function checkCopy(
  weights: Weights,
  name: string,
  { weight, shape }: LoraModule,
  base: Weights,
): Promise<void> {
  const copy = await readShaped(weights, name, shape, base.dir);
  const values = await base.read(weight);
  let [largest, difference] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    largest = Math.max(largest, Math.abs(values[i]!));
    difference = Math.max(difference, Math.abs(values[i]! - copy[i]!));
  }
  if (!(difference <= COPY_TOLERANCE * largest)) throw baseDiffers(weights.dir, name, base.dir);
}

async function readShaped(
  weights: Weights,
  name: string,
  expected: readonly number[],
  base: string,
): Promise<Float32Array> {
  const entry = weights.tensors.get(name);
  if (!entry) throw missingTensor(weights.dir, name);
  if (entry.shape.join() !== expected.join()) {
    throw adapterShape(weights.dir, name, { base, received: entry.shape, expected });
  }
  return await weights.read(name);
}

/** Writes a model's branches as an adapter into a new folder. */
export async function saveAdapter(lora: LoraAdapters, dir: string): Promise<void> {
  await Deno.mkdir(dir);
  await writeAdapter(dir, { settings: lora.settings, deltas: await lora.deltas() });
}

/** Writes an adapter into an existing folder; PeftModel.from_pretrained opens it. */
export async function writeAdapter(dir: string, adapter: AdapterFolder): Promise<void> {
  const { deltas } = adapter;
  const json = JSON.stringify(configJson(adapter), null, 2);
  await writeFileAtomic(join(dir, ADAPTER_CONFIG), json + "\n");
  const tensors = deltas.flatMap(({ module, r, loraA, loraB }) => {
    const { nameA, nameB, shapeA, shapeB } = branchTensors(module, r);
    return [
      [nameA, { shape: shapeA, values: () => loraA }],
      [nameB, { shape: shapeB, values: () => loraB }],
    ] as const;
  });
  await writeSafetensors(join(dir, ADAPTER_WEIGHTS), new Map(tensors));
}

function configJson({ settings, deltas }: AdapterFolder) {
  const { targetModules } = settings;
  return {
    alpha_pattern: settings.alphaPattern,
    auto_mapping: null,
    base_model_name_or_path: null,
    bias: "none",
    fan_in_fan_out: deltas.some(({ module }) => module.isTransposed),
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: settings.alpha,
    lora_bias: false,
    lora_dropout: settings.dropout,
    modules_to_save: null,
    peft_type: "LORA",
    r: settings.r,
    rank_pattern: settings.rankPattern,
    revision: null,
    target_modules: typeof targetModules === "string" ? targetModules : [...targetModules].sort(),
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: settings.useRslora,
  };
}
