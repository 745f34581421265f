/** TypeScript and JavaScript pipelines: a module whose default export is the pipeline. */

import { toFileUrl } from "@std/path";
import { moduleFailed, noDefaultExport } from "./load_errors.ts";
import { importPlace, importReason } from "./module_place.ts";
import { isTypedPipeline } from "../pipeline.ts";
import { type PipelineSource, shownPath } from "./pipeline_source.ts";

/**
 * Imports a pipeline module.
 *
 * @throws {OddsmithError} MODULE_FAILED or NO_DEFAULT_EXPORT.
 */
export async function importPipeline(file: string, cwd: string): Promise<PipelineSource> {
  const shown = shownPath(file, cwd);
  let module: { default?: unknown };
  try {
    module = await import(toFileUrl(file).href);
  } catch (error) {
    throw moduleFailed(shown, importReason(error), importPlace(error, cwd), error);
  }
  if (module.default === undefined) throw noDefaultExport(shown);
  return memorySource(module.default, file, cwd);
}

/** A pipeline that is already in memory; its places name the file alone. */
export function memorySource(
  pipeline: unknown,
  file: string | undefined,
  cwd: string,
): PipelineSource {
  const location = file === undefined ? undefined : { file: shownPath(file, cwd) };
  return {
    file,
    value: isTypedPipeline(pipeline) ? pipeline.spec : pipeline,
    place: () => location,
  };
}
