/**
 * The model that a verb is about: a folder, a GGUF file, an adapter over its base, a repository of
 * the hub, or what a run made.
 */

import { basename, join, resolve } from "@std/path";
import { HUB_SCHEME } from "../hub/reference.ts";
import { isGgufPath } from "../models/gguf/path.ts";
import { readAdapterConfig } from "../models/lora/config.ts";
import { adapterFiles, isAdapterFolder } from "../models/lora/folder.ts";
import { findArtifact, readRun, type RunRecord } from "../runner/run/runs.ts";
import { namedBase } from "./adapter_base.ts";
import {
  adapterOnAdapter,
  baseOfWhole,
  noBaseModel,
  noModelFile,
  noModelInFolder,
  noModelInRun,
} from "./errors.ts";
import { type FoundModel, isFile, localModel } from "./found_model.ts";
import { fetchHubModel, type HubModel } from "./hub_model.ts";
import { firstOutputOfKind, lastOutputOfKind } from "./run_summary.ts";

export type { FoundModel };

/** What the help texts say of such an argument. */
export const MODEL_USAGE = "<folder | file.gguf | adapter folder | run[:stage.port] | owner/name>";

/** Where to look. */
export interface FindOptions {
  readonly runsDir: string;
  /** What an adapter folder is laid over. Default: what its configuration names. */
  readonly baseModel?: string;
  /** Receives how a download goes. */
  readonly say: (line: string) => void;
}

/**
 * Finds a model.
 *
 * @param which A folder with a config.json; a GGUF file; a folder with an adapter_config.json; of the
 *   hub owner/name or owner/name@revision, a model or an adapter, or hf://owner/name/file.gguf; or a
 *   run, or "run:stage.port"; of a run alone, the last model that it made.
 * @throws {OddsmithError} ARGUMENTS; HubError; RunError RUN_NOT_FOUND, UNKNOWN_ARTIFACT,
 *   ARTIFACT_GONE; as `adapterFiles`, `readAdapterConfig` and `namedBase`
 */
export async function findModel(which: string, options: FindOptions): Promise<FoundModel> {
  if (await isAdapterFolder(which)) {
    return await adapterModel(which, basename(resolve(which)), options);
  }
  const local = await localModel(which);
  const hub = local === undefined ? await repositoryModel(which, options) : undefined;
  if (hub?.isAdapter) return await adapterModel(hub.path, hub.name, options);
  if (options.baseModel !== undefined) throw baseOfWhole(which);
  return local ?? hub ?? await runModel(which, options.runsDir);
}

/** What a repository holds; undefined where the text is that of something else. */
async function repositoryModel(which: string, { say }: FindOptions): Promise<HubModel | undefined> {
  const isFolder = await Deno.stat(which).then((info) => info.isDirectory, () => false);
  if (isFolder && !await isFile(join(which, "manifest.json"))) {
    throw noModelInFolder(which, await ggufFilesIn(which));
  }
  if (isGgufPath(which) && !which.startsWith(HUB_SCHEME)) throw noModelFile(which);
  return await fetchHubModel(which, say);
}

async function runModel(which: string, runsDir: string): Promise<FoundModel> {
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
 * @param base What `--base` says: a model, or true for the one that the run began with, or that the
 *   adapter is over.
 * @throws {OddsmithError} ARGUMENTS where there is none; as `findModel`.
 */
export async function findBase(
  base: string | true,
  model: FoundModel,
  options: FindOptions,
): Promise<FoundModel> {
  if (base !== true) return await findModel(base, { ...options, baseModel: undefined });
  if (model.base === undefined) throw noBaseModel(model.name);
  return model.base;
}

/** An adapter folder; what is wrong with it is found before its base, which may be far away. */
async function adapterModel(
  dir: string,
  name: string,
  options: FindOptions,
): Promise<FoundModel> {
  const [configFile] = await adapterFiles(dir);
  await readAdapterConfig(configFile);
  const { baseModel } = options;
  const base = baseModel === undefined
    ? await namedBase(dir, configFile, options.say)
    : await findModel(baseModel, { ...options, baseModel: undefined });
  if (base.adapter !== undefined) throw adapterOnAdapter(configFile, base.name);
  options.say(`${name} is an adapter, over ${base.name}`);
  return { path: base.path, adapter: dir, name, base };
}

async function modelOfRun(run: RunRecord, ref: string): Promise<FoundModel> {
  const found = await findArtifact(run, ref);
  const name = `${run.id}:${ref}`;
  if (!found.type.startsWith("model@")) throw noModelInRun(name);
  const first = firstOutputOfKind(run.manifest, "model");
  const baseRef = first && `${first[0].id}.${first[1]}`;
  const model = { path: found.dir, name, origin: { run, ref: found.ref, digest: found.digest } };
  if (baseRef === undefined || baseRef === ref) return model;
  const base = await findArtifact(run, baseRef);
  return { ...model, base: { path: base.dir, name: `${run.id}:${baseRef}` } };
}

async function ggufFilesIn(dir: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  return entries.filter(({ isFile, name }) => isFile && isGgufPath(name))
    .map(({ name }) => join(dir, name)).sort();
}
