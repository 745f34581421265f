/**
 * Where stages take a PEFT adapter from: a folder, or a repository of the hub, of which the two files
 * that make an adapter are downloaded.
 */

import type { PinnedSource, PrepareContext, StageContext } from "../src/runner/contract.ts";
import type { Snapshot } from "../src/hub/snapshot.ts";
import type { HubReference } from "../src/hub/reference.ts";
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

/** What the result depends on: the folder's two files, or the repository's commit. */
export async function adapterSources(
  adapter: string,
  resolvePath: ResolvePath,
): Promise<(string | PinnedSource)[]> {
  const reference = await adapterRepository(adapter, resolvePath);
  if (reference !== undefined) return [await pinnedRepository(reference)];
  const { adapterFiles } = await import("../src/models/lora/folder.ts");
  return await adapterFiles(resolvePath(adapter));
}

/** Finds out the commit of a repository. */
export async function prepareAdapter(adapter: string, context: PrepareContext): Promise<void> {
  const reference = await adapterRepository(adapter, context.resolvePath);
  if (reference !== undefined) await pinRepository(reference, context);
}

/** The adapter's folder as far as it is at hand; undefined where it would have to be downloaded. */
export async function adapterAtHand(
  adapter: string,
  resolvePath: ResolvePath,
): Promise<string | undefined> {
  const reference = await adapterRepository(adapter, resolvePath);
  if (reference === undefined) return resolvePath(adapter);
  const { isAdapterFolder } = await import("../src/models/lora/folder.ts");
  const dir = await cachedDir(reference);
  return dir !== undefined && await isAdapterFolder(dir) ? dir : undefined;
}

/** The adapter's folder, downloaded where it is not there. */
export async function adapterDir(adapter: string, ctx: AnyContext): Promise<string> {
  const reference = await adapterRepository(adapter, ctx.resolvePath);
  if (reference === undefined) return ctx.resolvePath(adapter);
  const { referenceName } = await import("../src/hub/reference.ts");
  const snapshot = await openRepository(reference, ctx);
  await fetchAdapter(reference, snapshot);
  ctx.record({ adapter: { repository: referenceName(reference), commit: snapshot.commit } });
  return snapshot.dir;
}

/**
 * Downloads a repository's adapter, as far as it is not there.
 *
 * @throws {OddsmithError} ModelError NO_MODEL where it has none; HubError.
 */
export async function fetchAdapter({ text }: HubReference, snapshot: Snapshot): Promise<void> {
  const { ADAPTER_CONFIG, ADAPTER_WEIGHTS } = await import("../src/models/lora/folder.ts");
  const { noAdapterInRepository } = await import("../src/models/lora/errors.ts");
  for (const name of [ADAPTER_CONFIG, ADAPTER_WEIGHTS]) {
    if (!snapshot.paths.includes(name)) throw noAdapterInRepository(text, name);
  }
  await snapshot.fetch([ADAPTER_CONFIG, ADAPTER_WEIGHTS]);
}

async function adapterRepository(
  adapter: string,
  resolvePath: ResolvePath,
): Promise<HubReference | undefined> {
  const { badReference } = await import("../src/hub/errors.ts");
  const reference = await repositoryOf(adapter, resolvePath);
  if (reference?.path === undefined) return reference;
  throw badReference(adapter, "an adapter is a whole repository, not a file of it");
}
