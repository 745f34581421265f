/** Paths in options: relative ones start at the pipeline file's folder. */

import { resolve } from "@std/path";
import type { ResolvedPipeline } from "../resolved.ts";

/** An absolute path from a configured one. */
export function resolvePath(pipeline: ResolvedPipeline, path: string): string {
  return resolve(pipeline.baseDir, path);
}
