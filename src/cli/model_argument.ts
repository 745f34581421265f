/** The model that a verb is about: a Hugging Face folder, or what a run trained. */

import { join } from "@std/path";
import { findArtifact, readRun } from "../runner/run/runs.ts";
import { noModelInFolder, noModelInRun } from "./errors.ts";
import { lastOutputOfKind } from "./run_summary.ts";

/**
 * The folder of a model.
 *
 * @param which A folder with a config.json, or a run, or "run:stage.port"; of a run alone, the last
 *   model that it made.
 * @throws {OddsmithError} ARGUMENTS; RunError RUN_NOT_FOUND, UNKNOWN_ARTIFACT, ARTIFACT_GONE
 */
export async function modelDir(which: string, runsDir: string): Promise<string> {
  if (await isFile(join(which, "config.json"))) return which;
  const isFolder = await Deno.stat(which).then((info) => info.isDirectory, () => false);
  if (isFolder && !await isFile(join(which, "manifest.json"))) throw noModelInFolder(which);
  const colon = which.lastIndexOf(":");
  // A colon at 1 is a drive's letter, on Windows.
  const [runName, port] = colon > 1
    ? [which.slice(0, colon), which.slice(colon + 1)]
    : [which, undefined];
  const run = await readRun(runName, runsDir);
  const last = lastOutputOfKind(run.manifest, "model");
  const ref = port ?? (last && `${last[0].id}.${last[1]}`);
  if (ref === undefined) throw noModelInRun(run.id);
  const found = await findArtifact(run, ref);
  if (!found.type.startsWith("model@")) throw noModelInRun(`${run.id}:${ref}`);
  return found.dir;
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
