/**
 * Writes a model as a Hugging Face folder: the checkpoint it came from with its weights replaced,
 * in float32 and under the same names. transformers loads it as it is.
 */

import { basename, join } from "@std/path";
import { writeFileAtomic } from "../../base/atomic.ts";
import { withFields } from "../../base/json_text.ts";
import { writeSafetensors } from "../../weights/write_safetensors.ts";
import { noModel } from "../errors.ts";
import { readJson, sideFiles } from "./files.ts";
import { type MergedWeights, mergedWeights } from "../lora/merge.ts";
import type { CausalLM } from "../model.ts";
import { readWeight, weightShapes } from "../weights.ts";

/**
 * Writes the whole folder, LoRA branches merged, packed weights unpacked.
 *
 * @param baseDir The folder the model was loaded from: configuration and tokenizer are its.
 * @param dir An existing folder.
 * @throws {OddsmithError} DeviceError where the device failed; ModelError NO_MODEL.
 */
export async function saveCausalLM(model: CausalLM, baseDir: string, dir: string): Promise<void> {
  const weights = { floats: model.parameters, packed: model.packed ?? new Map() };
  const deltas = await model.lora?.deltas() ?? [];
  const read = (name: string) => readWeight(weights, name);
  await writeModelFolder(baseDir, dir, mergedWeights(weightShapes(weights), read, deltas));
}

/**
 * Writes a folder that is another with its weights replaced.
 *
 * @throws {OddsmithError} ModelError NO_MODEL.
 */
export async function writeModelFolder(
  baseDir: string,
  dir: string,
  { tensors, untied }: MergedWeights,
): Promise<void> {
  const config = await readJson(baseDir, "config.json");
  if (!config) throw noModel(baseDir);
  for (const path of await sideFiles(baseDir)) {
    const name = basename(path);
    if (name !== "config.json") await Deno.copyFile(path, join(dir, name));
  }
  const dtypeKey = "dtype" in config.json ? "dtype" : "torch_dtype";
  const text = await Deno.readTextFile(config.file);
  const changed = {
    [dtypeKey]: "float32",
    ...(untied && { tie_word_embeddings: false }),
  };
  await writeFileAtomic(join(dir, "config.json"), withFields(text, changed));
  await writeSafetensors(join(dir, "model.safetensors"), tensors);
}
