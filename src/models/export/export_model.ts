/**
 * Exports a model folder in the formats asked for, each with its card: what the stage and the verb
 * "export" do. With one format its files are the folder's own; with several each has a folder.
 *
 * Invariant: a format is named in the result only after all of it was read back and compared.
 */

import { join } from "@std/path";
import type { GgufOutDtype } from "../../weights/gguf_quantize.ts";
import { planGguf } from "../gguf/export_gguf.ts";
import { checkModelFolder } from "../folder/load.ts";
import { adapterSize, type BaseModel, exportAdapter, hasAdapter } from "./adapter.ts";
import type { CompareResult, ExportWatch } from "./compare.ts";
import { noAdapterToExport } from "./errors.ts";
import { exportGgufFile } from "./gguf.ts";
import { type ExportDtype, exportHuggingFace } from "./huggingface.ts";
import { listExport } from "./place.ts";

/** What a model can be exported as. */
export const EXPORT_FORMATS = ["huggingface", "adapter", "gguf"] as const;

/** One of them. */
export type ExportFormat = typeof EXPORT_FORMATS[number];

/** What to export, and how. */
export interface ExportSettings {
  readonly formats: readonly ExportFormat[];
  /** Of the folder's and the adapter's numbers. */
  readonly dtype: ExportDtype;
  /** Most bytes of tensors in a file of the folder. */
  readonly maxShardSize: number;
  /** One GGUF file each. */
  readonly ggufTypes: readonly GgufOutDtype[];
  /** The model's name: in GGUF files, and in their file names. */
  readonly name: string;
  /** The hub's name of the model that training started from, for the adapter. */
  readonly base?: BaseModel;
}

/** A finished export of one format. */
export interface ExportedPart extends CompareResult {
  readonly format: ExportFormat;
  /** Of its numbers: "bfloat16", "Q8_0". */
  readonly dtype: string;
}

/** Writes a format's model card, README.md. */
export type CardWriter = (format: ExportFormat, parts: readonly ExportedPart[]) => string;

/**
 * Exports into an existing, empty folder.
 *
 * @param facts Goes into the list of files that the folder gets.
 * @throws {OddsmithError} ExportError NO_LORA_ADAPTER, EXPORT_MISMATCH; as `exportHuggingFace`,
 * `exportAdapter` and `exportGguf`.
 */
export async function exportModel(
  modelDir: string,
  dir: string,
  settings: ExportSettings,
  card: CardWriter,
  watch: ExportWatch = {},
): Promise<ExportedPart[]> {
  const { formats } = settings;
  await checkExport(modelDir, settings);
  const all: ExportedPart[] = [];
  for (const format of formats) {
    const own = formats.length === 1 ? dir : join(dir, format);
    await Deno.mkdir(own, { recursive: true });
    const parts = await WRITERS[format](modelDir, own, settings, watch);
    await Deno.writeTextFile(join(own, "README.md"), card(format, parts));
    all.push(...parts);
  }
  await listExport(dir, { formats, name: settings.name });
  return all;
}

/**
 * Checks what can be known before anything is written.
 *
 * @throws {OddsmithError} ExportError NO_LORA_ADAPTER; as `planGguf`.
 */
export async function checkExport(
  modelDir: string,
  { formats, name }: ExportSettings,
): Promise<void> {
  if (formats.includes("adapter") && !await hasAdapter(modelDir)) {
    throw noAdapterToExport(modelDir);
  }
  if (formats.includes("gguf")) await planGguf(modelDir, { name });
}

/** About how many tensors an export writes and compares, for progress: each counts twice. */
export async function countExport(modelDir: string, settings: ExportSettings): Promise<number> {
  const { config, architecture } = await checkModelFolder(modelDir);
  const weights = architecture.parameterShapes(config).size;
  const { ggufTypes } = settings;
  const counts: Record<ExportFormat, () => number | Promise<number>> = {
    huggingface: () => weights,
    adapter: () => adapterSize(modelDir),
    gguf: () => weights * ggufTypes.length,
  };
  let count = 0;
  for (const format of settings.formats) count += await counts[format]();
  return 2 * count;
}

type FormatWriter = (
  modelDir: string,
  dir: string,
  settings: ExportSettings,
  watch: ExportWatch,
) => Promise<ExportedPart[]>;

const WRITERS: Readonly<Record<ExportFormat, FormatWriter>> = {
  huggingface: async (modelDir, dir, { dtype, maxShardSize }, watch) => {
    const result = await exportHuggingFace(modelDir, dir, { dtype, maxShardSize }, watch);
    return [{ format: "huggingface", dtype, ...result }];
  },
  adapter: async (modelDir, dir, { dtype, base }, watch) => {
    const result = await exportAdapter(modelDir, dir, { dtype, base }, watch);
    return [{ format: "adapter", dtype, ...result }];
  },
  gguf: async (modelDir, dir, { ggufTypes, name }, watch) => {
    const parts: ExportedPart[] = [];
    for (const dtype of ggufTypes) {
      const file = join(dir, ggufFileName(name, dtype));
      const result = await exportGgufFile(modelDir, file, { dtype, name }, watch);
      parts.push({ format: "gguf", dtype, ...result });
    }
    return parts;
  },
};

/** A GGUF file's name: the model's, without what file names cannot have, and the numbers' type. */
export function ggufFileName(name: string, dtype: GgufOutDtype): string {
  return `${name.replace(/[^\p{L}\p{N}._-]+/gu, "-")}-${dtype}.gguf`;
}
