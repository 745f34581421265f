/**
 * Writes the adapter beside a trained model as PEFT's folder: its configuration with the base model's
 * name filled in, its tensors in the numbers asked for.
 *
 * Invariant: what it returns has been read back and compared, tensor by tensor.
 */

import { join } from "@std/path";
import { writeFileAtomic } from "../../base/atomic.ts";
import { canonicalJson, type Json } from "../../base/json.ts";
import { openWeightFile } from "../../weights/safetensors.ts";
import { writeSafetensors } from "../../weights/write_safetensors.ts";
import { readJsonObject } from "../folder/files.ts";
import { checkModelFolder } from "../folder/load.ts";
import { readAdapter } from "../lora/files.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from "../lora/folder.ts";
import {
  type CompareResult,
  compareTensors,
  type ExpectedTensor,
  type ExportWatch,
  watched,
} from "./compare.ts";
import { exportFileMismatch, noAdapterToExport } from "./errors.ts";
import { type ExportDtype, SAFETENSORS_DTYPES } from "./huggingface.ts";

/** A model of the hub. */
export interface BaseModel {
  /** "owner/name", or a path that PEFT's users have. */
  readonly name: string;
  /** A commit, a branch or a tag. */
  readonly revision?: string;
}

/** Where a trained model's folder keeps its adapter. */
export const ADAPTER_FOLDER = "adapter";

/** Whether a model folder has an adapter to export. */
export async function hasAdapter(modelDir: string): Promise<boolean> {
  const file = join(modelDir, ADAPTER_FOLDER, ADAPTER_CONFIG);
  return await Deno.stat(file).then((info) => info.isFile, () => false);
}

/** How many tensors a model folder's adapter has. */
export async function adapterSize(modelDir: string): Promise<number> {
  return (await openWeightFile(join(modelDir, ADAPTER_FOLDER, ADAPTER_WEIGHTS))).tensors.size;
}

/**
 * Writes the adapter of a model folder into an existing folder.
 *
 * @param base Fills base_model_name_or_path and revision; absent: they stay as they are.
 * @throws {OddsmithError} ExportError NO_LORA_ADAPTER, EXPORT_MISMATCH; WeightsError OUT_OF_RANGE; as
 * `checkModelFolder` and `readAdapter`.
 */
export async function exportAdapter(
  modelDir: string,
  dir: string,
  { dtype, base }: { readonly dtype: ExportDtype; readonly base?: BaseModel },
  watch: ExportWatch = {},
): Promise<CompareResult> {
  if (!await hasAdapter(modelDir)) throw noAdapterToExport(modelDir);
  const from = join(modelDir, ADAPTER_FOLDER);
  const model = await checkModelFolder(modelDir);
  const trained = await readAdapter(from, model);
  const config = await readJsonObject(join(from, ADAPTER_CONFIG));
  if (base) {
    config.base_model_name_or_path = base.name;
    config.revision = base.revision ?? null;
  }
  const weights = await openWeightFile(join(from, ADAPTER_WEIGHTS));
  const number = SAFETENSORS_DTYPES[dtype];
  const tensors = new Map<string, ExpectedTensor>(
    [...weights.tensors.values()].map(({ name, shape }) => [
      name,
      { dtype: number, shape, values: () => weights.read(name) },
    ]),
  );
  await writeFileAtomic(join(dir, ADAPTER_CONFIG), JSON.stringify(config, null, 2) + "\n");
  const file = join(dir, ADAPTER_WEIGHTS);
  await writeSafetensors(file, watched(tensors, watch), { dtype: number });
  const read = await readAdapter(dir, model);
  const text = (settings: unknown) => canonicalJson(settings as Json);
  if (text(read.settings) !== text(trained.settings)) {
    throw exportFileMismatch(join(dir, ADAPTER_CONFIG), "the adapter's settings read otherwise");
  }
  return await compareTensors(tensors, await openWeightFile(file), watch);
}
