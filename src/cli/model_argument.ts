/** The model that a verb is about: a folder, a repository of the hub, or what a run made. */

import { basename, join, resolve } from "@std/path";
import { findArtifact, readRun, type RunRecord } from "../runner/run/runs.ts";
import { noBaseModel, noModelInFolder, noModelInRun } from "./errors.ts";
import { fetchHubModel } from "./hub_model.ts";
import { firstOutputOfKind, lastOutputOfKind } from "./run_summary.ts";

/** A model that was found. */
export interface FoundModel {
  /** Its folder. */
  readonly dir: string;
  /** What people may call it: the folder's name, the repository, or run:stage.port. */
  readonly name: string;
  /** The folder of the model that the run began with; undefined outside of runs, or for itself. */
  readonly base?: { readonly dir: string; readonly name: string };
  /** The run it is of, and what it is there; undefined outside of runs. */
  readonly origin?: { readonly run: RunRecord; readonly ref: string; readonly digest: string };
}

/**
 * Finds a model.
 *
 * @param which A folder with a config.json; owner/name or owner/name@revision of the hub; or a run,
 *   or "run:stage.port"; of a run alone, the last model that it made.
 * @param say Receives how a download goes.
 * @throws {OddsmithError} ARGUMENTS; HubError; RunError RUN_NOT_FOUND, UNKNOWN_ARTIFACT,
 *   ARTIFACT_GONE
 */
export async function findModel(
  which: string,
  runsDir: string,
  say: (line: string) => void,
): Promise<FoundModel> {
  if (await isFile(join(which, "config.json"))) {
    return { dir: which, name: basename(resolve(which)) };
  }
  const isFolder = await Deno.stat(which).then((info) => info.isDirectory, () => false);
  if (isFolder && !await isFile(join(which, "manifest.json"))) throw noModelInFolder(which);
  const hub = await fetchHubModel(which, say);
  if (hub !== undefined) return hub;
  const colon = which.lastIndexOf(":");
  // A colon at 1 is a drive's letter, on Windows.
  const [runName, port] = colon > 1
    ? [which.slice(0, colon), which.slice(colon + 1)]
    : [which, undefined];
  const run = await readRun(runName, runsDir);
  const last = lastOutputOfKind(run.manifest, "model");
  const ref = port ?? (last && `${last[0].id}.${last[1]}`);
  if (ref === undefined) throw noModelInRun(run.id);
  return await modelOfRun(run, ref);
}

/**
 * The model to put beside another.
 *
 * @param base What `--base` says: a model, or true for the one that the run began with.
 * @throws {OddsmithError} ARGUMENTS where there is none; as `findModel`.
 */
export async function findBase(
  base: string | true,
  model: FoundModel,
  runsDir: string,
  say: (line: string) => void,
): Promise<FoundModel> {
  if (base !== true) return await findModel(base, runsDir, say);
  if (model.base === undefined) throw noBaseModel(model.name);
  return model.base;
}

async function modelOfRun(run: RunRecord, ref: string): Promise<FoundModel> {
  const found = await findArtifact(run, ref);
  const name = `${run.id}:${ref}`;
  if (!found.type.startsWith("model@")) throw noModelInRun(name);
  const first = firstOutputOfKind(run.manifest, "model");
  const baseRef = first && `${first[0].id}.${first[1]}`;
  const model = { dir: found.dir, name, origin: { run, ref: found.ref, digest: found.digest } };
  if (baseRef === undefined || baseRef === ref) return model;
  const base = await findArtifact(run, baseRef);
  return { ...model, base: { dir: base.dir, name: `${run.id}:${baseRef}` } };
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
