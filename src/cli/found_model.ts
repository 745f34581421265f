/** A model that was found for a verb, and the finding of a whole one at a path of this machine. */

import { basename, join, resolve } from "@std/path";
import type { ModelFiles } from "../models/gguf/model_files.ts";
import { isGgufPath } from "../models/gguf/path.ts";
import type { RunRecord } from "../runner/run/runs.ts";

/** A model that was found. */
export interface FoundModel extends ModelFiles {
  /** What people may call it: the folder's or file's name, the repository, or run:stage.port. */
  readonly name: string;
  /** The model that its run began with, or that its adapter is over; undefined for all others. */
  readonly base?: FoundModel;
  /** The run it is of, and what it is there; undefined outside of runs. */
  readonly origin?: { readonly run: RunRecord; readonly ref: string; readonly digest: string };
}

/** A whole model's folder or file; undefined where there is none at that path. */
export async function localModel(path: string): Promise<FoundModel | undefined> {
  if (isGgufPath(path) && await isFile(path)) {
    return { path, name: basename(path).slice(0, -".gguf".length) };
  }
  const isModel = await isFile(join(path, "config.json"));
  return isModel ? { path, name: basename(resolve(path)) } : undefined;
}

/** Whether there is a file at that path. */
export async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
