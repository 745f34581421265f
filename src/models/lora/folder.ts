/**
 * Which files make a PEFT adapter's folder, by their names alone: what they hold is files.ts's.
 */

import { join } from "@std/path";
import { INDEX_FILE, SINGLE_FILE } from "../../weights/safetensors.ts";
import { noAdapter } from "./errors.ts";

/** An adapter's configuration. */
export const ADAPTER_CONFIG = "adapter_config.json";
/** An adapter's tensors. */
export const ADAPTER_WEIGHTS = "adapter_model.safetensors";

/** Whether a folder is an adapter's, and not a whole model's that has one beside. */
export async function isAdapterFolder(dir: string): Promise<boolean> {
  const has = (name: string) => isFile(join(dir, name));
  return await has(ADAPTER_CONFIG) && !await has(SINGLE_FILE) && !await has(INDEX_FILE);
}

/**
 * Paths of an adapter's configuration and of its tensors.
 *
 * @throws {OddsmithError} ModelError ADAPTER_MISSING.
 */
export async function adapterFiles(dir: string): Promise<[config: string, weights: string]> {
  for (const name of [ADAPTER_CONFIG, ADAPTER_WEIGHTS]) {
    if (!await isFile(join(dir, name))) throw noAdapter(dir, name);
  }
  return [join(dir, ADAPTER_CONFIG), join(dir, ADAPTER_WEIGHTS)];
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
