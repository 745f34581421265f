/**
 * The folder that an export reads its model from: the model's own, or for a GGUF file or an adapter
 * one that is made beside the target for as long as the export takes. The user's files stay as they
 * are.
 */

import { join, resolve } from "@std/path";
import type { ExportSettings } from "../models/export/export_model.ts";
import { isGgufPath } from "../models/gguf/path.ts";
import type { FoundModel } from "./found_model.ts";

/** The export that the folder is for. */
export interface FolderPurpose {
  /** Absolute. */
  readonly target: string;
  readonly settings: Pick<ExportSettings, "formats">;
  readonly signal: AbortSignal;
  /** Told what takes the time before the export begins. */
  readonly say: (line: string) => void;
}

/**
 * Runs `use` with the model's folder.
 *
 * @throws {OddsmithError} ExportError NO_LORA_ADAPTER, DISK_FULL; as `writeModelFiles`; whatever
 * `use` throws.
 */
export async function inModelFolder<T>(
  model: FoundModel,
  { target, settings: { formats }, signal, say }: FolderPurpose,
  use: (dir: string) => Promise<T>,
): Promise<T> {
  const { path, adapter } = model;
  if (!isGgufPath(path) && adapter === undefined) return await use(resolve(path));
  const { noAdapterToExport } = await import("../models/export/errors.ts");
  if (adapter === undefined && formats.includes("adapter")) throw noAdapterToExport(path);
  const { inFolderBeside } = await import("../models/export/place.ts");
  const { openModelFiles, writeModelFiles } = await import("../models/gguf/model_files.ts");
  say(`reading ${model.name} as a float32 folder, which the export removes again`);
  return await inFolderBeside(target, async (dir) => {
    await writeModelFiles(model, dir, signal);
    if (adapter !== undefined && formats.includes("adapter")) {
      const { checked } = await openModelFiles(model);
      await copyAdapter(adapter, checked, dir);
    }
    return await use(dir);
  });
}

/** Puts the adapter where a trained model's folder has it; copies of base weights stay behind. */
async function copyAdapter(
  adapter: string,
  base: Parameters<typeof import("../models/lora/files.ts").readAdapter>[1],
  dir: string,
): Promise<void> {
  const { ADAPTER_FOLDER } = await import("../models/export/adapter.ts");
  const { readAdapter, writeAdapter } = await import("../models/lora/files.ts");
  const to = join(dir, ADAPTER_FOLDER);
  await Deno.mkdir(to);
  await writeAdapter(to, await readAdapter(adapter, base));
}
