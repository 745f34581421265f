/**
 * What stages that read from the hub share: how a repository enters the cache key, and how a
 * download tells of itself. What a stage downloads is its own matter.
 */

import type { PinnedSource, PrepareContext, StageContext } from "../src/runner/contract.ts";
import type { HubReference } from "../src/hub/reference.ts";
import type { Snapshot } from "../src/hub/snapshot.ts";

// deno-lint-ignore no-explicit-any
type AnyContext = StageContext<any, any>;

/** The repository of the hub that a text means; undefined where it is a path. */
export async function repositoryOf(
  text: string,
  resolvePath: (path: string) => string,
): Promise<HubReference | undefined> {
  const { locate } = await import("../src/hub/location.ts");
  const location = await locate(text, "model", resolvePath);
  return location.kind === "hub" ? location.reference : undefined;
}

/** A repository as a source of a stage: pinned by its commit, where the cache knows that. */
export async function pinnedRepository(reference: HubReference): Promise<PinnedSource> {
  const { cachedCommit } = await import("../src/hub/snapshot.ts");
  const { referenceName } = await import("../src/hub/reference.ts");
  return { name: referenceName(reference), digest: await cachedCommit(reference) };
}

/** The folder of a repository's files that are cached; undefined where its commit is not known. */
export async function cachedDir(reference: HubReference): Promise<string | undefined> {
  const { RepoCache } = await import("../src/hub/cache.ts");
  const { hubSettings } = await import("../src/hub/settings.ts");
  const cache = new RepoCache(await hubSettings(), reference);
  const commit = await cache.commitOf(reference.revision);
  return commit && cache.snapshotDir(commit);
}

/** Asks the hub for the commit of a revision that the cache does not know, or that is forced. */
export async function pinRepository(
  reference: HubReference,
  { signal, forced, log }: PrepareContext,
): Promise<void> {
  const { resolveCommit } = await import("../src/hub/snapshot.ts");
  await resolveCommit(reference, { signal, log }, forced);
}

/** Opens a repository at its pinned commit; downloads go to the stage's progress. */
export async function openRepository(reference: HubReference, ctx: AnyContext): Promise<Snapshot> {
  const { resolveCommit, Snapshot } = await import("../src/hub/snapshot.ts");
  const { signal, log } = ctx;
  const commit = await resolveCommit(reference, { signal, log });
  return await Snapshot.open(reference, commit, {
    signal,
    log,
    onProgress: ({ path, bytes, totalBytes }) => {
      const [unit, size] = totalBytes < 1e7 ? ["kB", 1e3] as const : ["MB", 1e6] as const;
      const [done, total] = [Math.round(bytes / size), Math.round(totalBytes / size)];
      ctx.report({ unit, done, total, note: `downloading ${path}` });
    },
  });
}
