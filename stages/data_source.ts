/**
 * Where the ingest stage reads from: files, folders, globs, or datasets of the hub, of which the
 * chosen files are downloaded. Which files those are is said in src/data/repository_files.ts.
 */

import type { PinnedSource, PrepareContext, StageContext } from "../src/runner/contract.ts";
import type { Format } from "../src/data/data_file.ts";
import type { PairSource } from "../src/data/ingest.ts";
import type { HubReference } from "../src/hub/reference.ts";
import { openRepository, pinnedRepository, pinRepository } from "./hub_source.ts";

/** One source as a pipeline gives it, the stage's own settings filled in. */
export interface SourceEntry extends Omit<PairSource, "files"> {
  readonly path: string;
  readonly files?: string | undefined;
  readonly split?: string | undefined;
  readonly format?: Format | undefined;
}

// deno-lint-ignore no-explicit-any
type AnyContext = StageContext<any, any>;
type ResolvePath = (path: string) => string;

/** What the result depends on: each file, and each repository's commit. */
export async function dataSources(
  entries: readonly SourceEntry[],
  resolvePath: ResolvePath,
): Promise<(string | PinnedSource)[]> {
  const found = await Promise.all(entries.map(async (entry) => {
    const reference = await repositoryOf(entry, resolvePath);
    if (reference !== undefined) return [await pinnedRepository(reference)];
    const { findFiles } = await import("../src/data/source_files.ts");
    return (await findFiles(entry.path, entry.format, { resolvePath })).map(({ path }) => path);
  }));
  return found.flat();
}

/** Finds out the commits of repositories. */
export async function prepareData(
  entries: readonly SourceEntry[],
  context: PrepareContext,
): Promise<void> {
  for (const entry of entries) {
    const reference = await repositoryOf(entry, context.resolvePath);
    if (reference !== undefined) await pinRepository(reference, context);
  }
}

/** The files of each source, downloaded where they are not there. */
export async function openSources(
  entries: readonly SourceEntry[],
  ctx: AnyContext,
): Promise<PairSource[]> {
  const { findFiles } = await import("../src/data/source_files.ts");
  const sources: PairSource[] = [];
  for (const entry of entries) {
    const { path, format, files: _files, split: _split, ...rest } = entry;
    const reference = await repositoryOf(entry, ctx.resolvePath);
    const files = reference === undefined
      ? await findFiles(path, format, ctx)
      : await fetchData(reference, entry, ctx);
    sources.push({ ...rest, files });
  }
  return sources;
}

async function repositoryOf(
  { path, files, split }: SourceEntry,
  resolvePath: ResolvePath,
): Promise<HubReference | undefined> {
  const { locate } = await import("../src/hub/location.ts");
  const location = await locate(path, "dataset", resolvePath);
  if (location.kind === "hub") {
    const { reference } = location;
    if (reference.path !== undefined && (files ?? split) !== undefined) {
      const { badReference } = await import("../src/hub/errors.ts");
      throw badReference(path, "its path says which files, so `files` and `split` cannot");
    }
    return reference;
  }
  if (files !== undefined || split !== undefined) {
    const { notARepository } = await import("../src/data/errors.ts");
    throw notARepository(path, files === undefined ? "split" : "files");
  }
  return undefined;
}

async function fetchData(
  reference: HubReference,
  { files = reference.path, split, format }: SourceEntry,
  ctx: AnyContext,
): Promise<PairSource["files"]> {
  const { chooseDataFiles } = await import("../src/data/repository_files.ts");
  const { chooseFormat } = await import("../src/data/data_file.ts");
  const snapshot = await openRepository(reference, ctx);
  const chosen = chooseDataFiles(reference.text, snapshot.paths, { files, split });
  await snapshot.fetch(chosen);
  return await Promise.all(chosen.map(async (inside) => {
    const path = snapshot.filePath(inside);
    // Pairs name their file: by a name that is the same on every machine.
    const name = `${reference.id}/${inside}`;
    const { size: sizeBytes } = await Deno.stat(path);
    return { path, name, format: chooseFormat(name, format), sizeBytes };
  }));
}
