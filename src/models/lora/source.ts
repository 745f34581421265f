/**
 * Where a model's branches come from: new ones from a seed, or a PEFT adapter to go on from; and an
 * adapter merged into its base for good.
 */

import type { ModelConfig } from "../config.ts";
import { type CheckedModel, checkModelFolder } from "../folder/load.ts";
import { LoraAdapters, newDeltas } from "./lora.ts";
import { type AdapterFolder, readAdapter } from "./files.ts";
import { adapterFiles } from "./folder.ts";
import { type MergedWeights, mergedWeights } from "./merge.ts";
import {
  loraModules,
  type LoraOptions,
  resolveLora,
  targetedModules,
  writtenTargets,
} from "./settings.ts";
import { readAdapterConfig } from "./config.ts";
import { architectureOf } from "../architectures/registry.ts";
import { writeModelFolder } from "../folder/save.ts";

/** New branches of these options, or those of an adapter's folder. */
export type LoraSource =
  | { readonly options: LoraOptions; readonly seed: string }
  | { readonly adapter: string; readonly dropout?: number };

/**
 * Makes or reads the branches of a base, for `loadCausalLM`.
 *
 * @throws {OddsmithError} ModelError LORA_TARGETS, LORA_PATTERN; as `readAdapter`.
 */
export async function openLora(base: CheckedModel, source: LoraSource): Promise<LoraAdapters> {
  const { settings, deltas } = "adapter" in source
    ? await readAdapter(source.adapter, base)
    : newAdapter(base, source.options, source.seed);
  const dropout = "adapter" in source ? source.dropout : undefined;
  return new LoraAdapters(dropout === undefined ? settings : { ...settings, dropout }, deltas);
}

/**
 * The branches there will be, without their values, for a plan of memory.
 *
 * @throws {OddsmithError} As `openLora`, but for what an adapter's tensors are.
 */
export async function plannedLora(
  config: ModelConfig,
  source: LoraSource,
): Promise<Pick<LoraAdapters, "settings" | "modules">> {
  const settings = "adapter" in source
    ? await readAdapterConfig((await adapterFiles(source.adapter))[0])
    : resolveLora(source.options, config.modelType);
  const architecture = architectureOf(config.modelType, "config.json");
  const modules = loraModules({ config, architecture });
  return { settings, modules: targetedModules(modules, settings.targetModules) };
}

function newAdapter(base: CheckedModel, options: LoraOptions, seed: string): AdapterFolder {
  const settings = resolveLora(options, base.config.modelType);
  const modules = loraModules(base);
  const chosen = targetedModules(modules, settings.targetModules);
  const targetModules = writtenTargets(modules, chosen, settings.targetModules);
  return { settings: { ...settings, targetModules }, deltas: newDeltas(chosen, settings, seed) };
}

/**
 * Writes a base's folder with an adapter merged into its weights, in float32, without a device.
 *
 * @param dir An existing folder.
 * @throws {OddsmithError} As `checkModelFolder` and `readAdapter`.
 */
export async function mergeAdapter(
  baseDir: string,
  adapter: string,
  dir: string,
  signal?: AbortSignal,
): Promise<void> {
  const base = await checkModelFolder(baseDir);
  await writeModelFolder(baseDir, dir, await weightsWith(base, adapter, signal));
}

/**
 * Gives a model's weights, with an adapter merged where there is one, to be written.
 *
 * @param signal Stops the reading of a weight.
 * @throws {OddsmithError} As `readAdapter`.
 */
export async function weightsWith(
  base: CheckedModel,
  adapter: string | undefined,
  signal?: AbortSignal,
): Promise<MergedWeights> {
  const deltas = adapter === undefined ? [] : (await readAdapter(adapter, base)).deltas;
  const read = async (name: string) => {
    signal?.throwIfAborted();
    return await base.weights.read(name);
  };
  return mergedWeights(base.shapes, read, deltas);
}
