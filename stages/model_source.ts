/**
 * Where the model stage takes its model from: a folder, a GGUF file, or a repository of the hub, of
 * which only what a model needs is downloaded: configuration, safetensors weights, tokenizer, chat
 * template, or the one GGUF file that was named.
 */

import { join } from "@std/path";
import type { JsonObject } from "../src/base/json.ts";
import type { PinnedSource, PrepareContext, StageContext } from "../src/runner/contract.ts";
import type { Snapshot } from "../src/hub/snapshot.ts";
import type { HubReference } from "../src/hub/reference.ts";
import { isGgufPath } from "../src/models/gguf/path.ts";
import {
  cachedDir,
  openRepository,
  pinnedRepository,
  pinRepository,
  repositoryOf,
} from "./hub_source.ts";

// deno-lint-ignore no-explicit-any
type AnyContext = StageContext<any, any>;
type ResolvePath = (path: string) => string;

/** What the result depends on: the folder's files, the GGUF file, or the repository's commit. */
export async function modelSources(
  from: string,
  resolvePath: ResolvePath,
): Promise<(string | PinnedSource)[]> {
  const reference = await repositoryOf(from, resolvePath);
  if (reference !== undefined) return [await pinnedRepository(reference)];
  if (isGgufPath(from)) return [resolvePath(from)];
  const { modelFiles } = await import("../src/models/folder/files.ts");
  return await modelFiles(resolvePath(from));
}

/** Finds out the commit of a repository. */
export async function prepareModel(from: string, context: PrepareContext): Promise<void> {
  const reference = await repositoryOf(from, context.resolvePath);
  if (reference !== undefined) await pinRepository(reference, context);
}

/** The model's config.json without downloading anything; undefined where it is not at hand. */
export async function modelConfigAtHand(
  from: string,
  resolvePath: ResolvePath,
): Promise<JsonObject | undefined> {
  const { readJson } = await import("../src/models/folder/files.ts");
  const reference = await repositoryOf(from, resolvePath);
  const dir = reference ? await cachedDir(reference) : resolvePath(from);
  if (dir === undefined) return undefined;
  if (reference?.path !== undefined) return await ggufConfig(join(dir, reference.path));
  if (isGgufPath(dir)) return await ggufConfig(dir);
  return (await readJson(dir, "config.json"))?.json as JsonObject;
}

async function ggufConfig(file: string): Promise<JsonObject | undefined> {
  const { configFromGguf } = await import("../src/models/gguf/config_from_gguf.ts");
  const { openGguf } = await import("../src/weights/gguf.ts");
  const present = await Deno.stat(file).then(({ isFile }) => isFile, () => false);
  return present ? (await configFromGguf(await openGguf(file))).json : undefined;
}

/** The folder of the model, downloaded where it is not there, or the GGUF file. */
export async function modelDir(from: string, ctx: AnyContext): Promise<string> {
  const reference = await repositoryOf(from, ctx.resolvePath);
  if (reference === undefined) return ctx.resolvePath(from);
  const { referenceName } = await import("../src/hub/reference.ts");
  const snapshot = await openRepository(reference, ctx);
  const path = await fetchModel(reference, snapshot);
  ctx.record({ repository: referenceName(reference), commit: snapshot.commit });
  if (reference.path !== undefined) ctx.record({ file: reference.path });
  return path;
}

/** Downloads what makes up a repository's model, as far as it is not there; gives its folder or file. */
export async function fetchModel(reference: HubReference, snapshot: Snapshot): Promise<string> {
  const { path } = reference;
  await snapshot.fetch(path === undefined ? await neededFiles(reference, snapshot) : [path]);
  return path === undefined ? snapshot.dir : snapshot.filePath(path);
}

/** Which files of a repository are the model; the index, which says so of shards, is fetched first. */
async function neededFiles({ text }: HubReference, snapshot: Snapshot): Promise<string[]> {
  const { isSideFile } = await import("../src/models/folder/files.ts");
  const { noModelInRepository } = await import("../src/models/errors.ts");
  const { INDEX_FILE, shardsOf, SINGLE_FILE } = await import("../src/weights/safetensors.ts");
  const { paths } = snapshot;
  const sideFiles = paths.filter(isSideFile);
  if (!sideFiles.includes("config.json")) throw noModelInRepository(text, "config.json", paths);
  if (paths.includes(SINGLE_FILE)) return [...sideFiles, SINGLE_FILE];
  if (!paths.includes(INDEX_FILE)) throw noModelInRepository(text, SINGLE_FILE, paths);
  await snapshot.fetch([INDEX_FILE]);
  return [...sideFiles, INDEX_FILE, ...await shardsOf(snapshot.filePath(INDEX_FILE))];
}
