/**
 * Writes a model as a Hugging Face folder: the checkpoint it came from with its weights replaced,
 * in float32 and under the same names. transformers loads it as it is.
 */

import { basename, join } from "@std/path";
import { writeFileAtomic } from "../base/atomic.ts";
import { withFields } from "../base/json_text.ts";
import { readFloats } from "../tensor/readback.ts";
import { type TensorSource, writeSafetensors } from "../weights/write_safetensors.ts";
import { noModel } from "./errors.ts";
import { readJson, sideFiles } from "./folder.ts";
import type { CausalLM } from "./model.ts";

/**
 * Writes the whole folder.
 *
 * @param baseDir The folder the model was loaded from: configuration and tokenizer are its.
 * @param dir An existing folder.
 * @throws {OddsmithError} DeviceError where the device failed; ModelError NO_MODEL.
 */
export async function saveCausalLM(model: CausalLM, baseDir: string, dir: string): Promise<void> {
  const config = await readJson(baseDir, "config.json");
  if (!config) throw noModel(baseDir);
  for (const path of await sideFiles(baseDir)) {
    const name = basename(path);
    if (name !== "config.json") await Deno.copyFile(path, join(dir, name));
  }
  const dtypeKey = "dtype" in config.json ? "dtype" : "torch_dtype";
  const text = await Deno.readTextFile(config.file);
  await writeFileAtomic(join(dir, "config.json"), withFields(text, { [dtypeKey]: "float32" }));
  const tensors = new Map<string, TensorSource>(
    [...model.parameters].map(([name, variable]) => [
      name,
      { shape: variable.shape, values: () => readFloats(variable) },
    ]),
  );
  await writeSafetensors(join(dir, "model.safetensors"), tensors);
}
