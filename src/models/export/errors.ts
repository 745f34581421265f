/** The errors of exports: what cannot be exported, where it cannot go, what came out wrong. */

import { fileErrors, type OddsmithError } from "../../base/error.ts";

const exportError = fileErrors("ExportError");

/** An adapter asked of a model that was not trained with LoRA. */
export function noAdapterToExport(modelDir: string): OddsmithError {
  return exportError(
    "NO_LORA_ADAPTER",
    "Cannot export an adapter: the model has none",
    'train it with the orpo stage\'s "lora", or leave "adapter" out of the formats',
    modelDir,
  );
}

/** A target that holds something else. */
export function targetExists(target: string, what: string): OddsmithError {
  return exportError(
    "TARGET_EXISTS",
    `Cannot export: ${what}`,
    "name another place, or let the export replace what is there: --force, or force: true",
    target,
  );
}

/** A target that is never replaced or written into. */
export function forbiddenTarget(target: string, why: string): OddsmithError {
  return exportError("BAD_TARGET", `Cannot export there: ${why}`, "name another place", target);
}

/** A file name asked for what is a folder, or several files. */
export function needsFolder(target: string, what: string): OddsmithError {
  return exportError(
    "BAD_TARGET",
    `Cannot export ${what} to one .gguf file`,
    "name a folder, or ask for the format gguf with one type",
    target,
  );
}

/** No space left, where the export goes. */
export function exportDiskFull(target: string, cause: unknown): OddsmithError {
  return exportError(
    "DISK_FULL",
    "Cannot export: no space is left on the disk",
    "nothing half written was kept; free some space, or name a place on another disk",
    target,
    cause,
  );
}

/** A tensor that is not what was written. */
export function exportMismatch(file: string, tensor: string, reason: string): OddsmithError {
  return exportError(
    "EXPORT_MISMATCH",
    `Cannot trust the export: tensor "${tensor}" ${reason}`,
    "nothing was kept: export again; if it happens twice, check the disk and the memory",
    file,
  );
}

/** A file of the export, weights aside, that is not what was written. */
export function exportFileMismatch(file: string, reason: string): OddsmithError {
  return exportError(
    "EXPORT_MISMATCH",
    `Cannot trust the export: ${reason}`,
    "nothing was kept: export again; if it happens twice, check the disk and the memory",
    file,
  );
}
