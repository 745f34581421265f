/**
 * Writes a model folder as one to give away: the same names, in the numbers asked for, in shards, and
 * everything but the weights as it is. One tensor is in memory at a time.
 *
 * Invariant: what it returns has been read back and compared with the model, tensor by tensor.
 */

import { basename, join } from "@std/path";
import { writeFileAtomic } from "../../base/atomic.ts";
import { canonicalJson, type Json } from "../../base/json.ts";
import type { SafetensorsDtype } from "../../weights/write_safetensors.ts";
import { writeShards } from "../../weights/write_shards.ts";
import { noModel } from "../errors.ts";
import { readJson, sideFiles } from "../folder/files.ts";
import { type CheckedModel, checkModelFolder } from "../folder/load.ts";
import {
  type CompareResult,
  compareTensors,
  type ExpectedTensor,
  type ExportWatch,
  watched,
} from "./compare.ts";
import { exportFileMismatch } from "./errors.ts";

/** Numbers that a folder is written in, as config.json spells them. */
export const EXPORT_DTYPES = ["float32", "float16", "bfloat16"] as const;

/** One of them. */
export type ExportDtype = typeof EXPORT_DTYPES[number];

/** As safetensors spells them. */
export const SAFETENSORS_DTYPES: Readonly<Record<ExportDtype, SafetensorsDtype>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
};

/** How to write a folder. */
export interface HuggingFaceOptions {
  readonly dtype: ExportDtype;
  /** Most bytes of tensors a file. */
  readonly maxShardSize: number;
}

/**
 * Writes a model folder into another, existing one.
 *
 * @throws {OddsmithError} As `checkModelFolder`; WeightsError OUT_OF_RANGE; ExportError
 * EXPORT_MISMATCH.
 */
export async function exportHuggingFace(
  modelDir: string,
  dir: string,
  { dtype, maxShardSize }: HuggingFaceOptions,
  watch: ExportWatch = {},
): Promise<CompareResult> {
  const model = await checkModelFolder(modelDir);
  const tensors = tensorsOf(model, SAFETENSORS_DTYPES[dtype]);
  const config = await exportedConfig(modelDir, dtype);
  await writeFileAtomic(join(dir, "config.json"), JSON.stringify(config, null, 2) + "\n");
  for (const path of await sideFiles(modelDir)) {
    const name = basename(path);
    // Not Deno.copyFile: a stored model's files are read only, and a copy would be.
    if (name !== "config.json") await Deno.writeFile(join(dir, name), await Deno.readFile(path));
  }
  const options = { dtype: SAFETENSORS_DTYPES[dtype], maxShardSize };
  await writeShards(dir, watched(tensors, watch), options);
  return await compareFolder(model, modelDir, dir, tensors, watch);
}

function tensorsOf(
  { architecture, config, weights }: CheckedModel,
  dtype: SafetensorsDtype,
): Map<string, ExpectedTensor> {
  const shapes = architecture.parameterShapes(config);
  return new Map([...shapes].map(([name, shape]) => [
    name,
    { dtype, shape, values: () => weights.read(name) },
  ]));
}

/** transformers 5 calls it dtype, earlier ones torch_dtype; a file may have either or both. */
async function exportedConfig(modelDir: string, dtype: ExportDtype) {
  const source = await readJson(modelDir, "config.json");
  if (!source) throw noModel(modelDir);
  const { json } = source;
  const keys = ["dtype", "torch_dtype"].filter((key) => key in json);
  const said = (keys.length === 0 ? ["torch_dtype"] : keys).map((key) => [key, dtype]);
  return { ...json, ...Object.fromEntries(said) };
}

async function compareFolder(
  model: CheckedModel,
  modelDir: string,
  dir: string,
  tensors: ReadonlyMap<string, ExpectedTensor>,
  watch: ExportWatch,
): Promise<CompareResult> {
  const read = await checkModelFolder(dir);
  const text = (config: unknown) => canonicalJson(JSON.parse(JSON.stringify(config)) as Json);
  if (text(read.config) !== text(model.config)) {
    throw exportFileMismatch(join(dir, "config.json"), "its configuration reads otherwise");
  }
  for (const path of await sideFiles(modelDir)) {
    const name = basename(path);
    if (name !== "config.json") await compareFiles(path, join(dir, name));
  }
  return await compareTensors(tensors, read.weights, watch);
}

/** Compares two small files byte by byte. @throws {OddsmithError} ExportError EXPORT_MISMATCH. */
export async function compareFiles(from: string, to: string): Promise<void> {
  const [expected, received] = [await Deno.readFile(from), await Deno.readFile(to)];
  const isSame = expected.length === received.length &&
    expected.every((byte, i) => byte === received[i]);
  if (!isSame) throw exportFileMismatch(to, "the file differs from the model's");
}
