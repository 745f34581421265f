/**
 * Removes what no kept run needs: old runs where asked, then the cache records, artifacts,
 * checkpoints and leftovers that no remaining run refers to.
 *
 * Invariant: runs are the roots. What a kept run's manifest names stays, a living run is always
 * kept, and nothing is added to the store while this looks and removes.
 */

import { join } from "@std/path";
import { CacheRecords } from "./cache_records.ts";
import { FileDigests } from "./file_digests.ts";
import { lockHolder } from "./lock.ts";
import { listRuns, type RunRecord } from "../run/runs.ts";
import { namesIn, removeTree, Store } from "./store.ts";

/** What to remove; without options only what no run at all refers to. */
export interface GcOptions {
  /** Keep this many of the newest runs; the others go. */
  readonly keepRuns?: number | undefined;
  /** Only runs that began more than this many days ago go. */
  readonly olderThanDays?: number | undefined;
  /** Say what would go, and remove nothing. */
  readonly dryRun?: boolean | undefined;
}

/** One thing that was (or would be) removed. */
export interface GcItem {
  /** Its kind. */
  readonly what: "run" | "record" | "artifact" | "scratch" | "temporary";
  /** The path, absolute. */
  readonly path: string;
  /** Of all its files. */
  readonly sizeBytes: number;
}

/** What was (or would be) removed. */
export interface GcReport {
  /** In the order of removal. */
  readonly removed: readonly GcItem[];
  /** Sum of the sizes. */
  readonly freedBytes: number;
  /** Ids of runs that are going on; they and all they use were left alone. */
  readonly inUse: readonly string[];
}

/**
 * Cleans a runs directory. Waits for the moment when no run is storing a result.
 *
 * With both `keepRuns` and `olderThanDays` a run goes only if both say so.
 *
 * @throws RunError BAD_MANIFEST if a run does not tell what it needs; nothing is removed then
 */
export async function collectGarbage(
  runsDir: string,
  options: GcOptions = {},
): Promise<GcReport> {
  const store = new Store(runsDir);
  if (!(await namesIn(runsDir)).includes(".store")) {
    return { removed: [], freedBytes: 0, inUse: [] };
  }
  await store.prepare();
  return await store.alone(async () => {
    const runs = await listRuns(runsDir, (problem) => {
      throw problem;
    });
    const removed: GcItem[] = [];
    for await (const item of findGarbage(store, runs, options)) {
      removed.push(item);
      if (!options.dryRun) await removeTree(item.path);
    }
    if (!options.dryRun) await pruneFileDigests(store);
    const freedBytes = removed.reduce((sum, item) => sum + item.sizeBytes, 0);
    const inUse = runs.filter((run) => run.status === "running").map((run) => run.id);
    return { removed, freedBytes, inUse };
  });
}

async function* findGarbage(
  store: Store,
  runs: readonly RunRecord[],
  options: GcOptions,
): AsyncGenerator<GcItem> {
  const old = new Set(oldRuns(runs, options));
  for (const run of old) yield await item("run", run.dir);
  const kept = runs.filter((run) => !old.has(run));
  const keys = new Set(kept.flatMap((run) => run.manifest.stages.map((stage) => stage.cacheKey)));
  const digests = new Set<string>();
  for (const stage of kept.flatMap((run) => run.manifest.stages)) {
    for (const input of Object.values(stage.inputs)) digests.add(input.digest);
    for (const output of Object.values(stage.outputs)) digests.add(output.digest);
  }
  const finished = new Set<string>();
  for await (const record of new CacheRecords(store).all()) {
    finished.add(record.key);
    if (!keys.has(record.key)) continue;
    for (const output of Object.values(record.outputs)) digests.add(output.digest);
  }
  yield* below(store.path("keys"), "record", (name) => !keys.has(name.replace(/\.json$/, "")));
  yield* staleLatest(store, keys);
  yield* below(store.path("artifacts"), "artifact", (name) => !digests.has(name));
  yield* below(store.path("scratch"), "scratch", async (key) => {
    if ((await lockHolder(store.stageLock(key))).held) return false;
    return !keys.has(key) || finished.has(key);
  });
  yield* temporaries(store, kept);
}

function oldRuns(runs: readonly RunRecord[], options: GcOptions): RunRecord[] {
  const { keepRuns, olderThanDays } = options;
  if (keepRuns === undefined && olderThanDays === undefined) return [];
  const before = Date.now() - (olderThanDays ?? 0) * 24 * 60 * 60 * 1000;
  return runs.filter((run, newer) =>
    run.status !== "running" && newer >= (keepRuns ?? 0) &&
    (olderThanDays === undefined || Date.parse(run.manifest.startedAt) < before)
  );
}

async function* staleLatest(
  store: Store,
  keys: ReadonlySet<string | undefined>,
): AsyncGenerator<GcItem> {
  for (const name of await namesIn(store.path("latest"))) {
    const path = store.path("latest", name);
    const text = await Deno.readTextFile(path);
    const named = [...text.matchAll(/[0-9a-f]{64}/g)].some(([key]) => keys.has(key));
    if (!named) yield await item("record", path);
  }
}

/** Half-written files and locks of processes that are gone. */
async function* temporaries(store: Store, kept: readonly RunRecord[]): AsyncGenerator<GcItem> {
  yield* below(store.path("tmp"), "temporary", async (name) => {
    return !(await lockHolder(store.stageLock(name.slice(0, 64)))).held;
  });
  yield* below(store.path("locks"), "temporary", async (name) => {
    return name !== "store.lock" && !(await lockHolder(store.path("locks", name))).held;
  });
  const idle = kept.filter((run) => run.status !== "running").map((run) => run.dir);
  for (const dir of [store.runsDir, store.dir, ...idle]) {
    yield* below(dir, "temporary", (name) => name.startsWith(".tmp-"));
  }
}

async function* below(
  dir: string,
  what: GcItem["what"],
  goes: (name: string) => boolean | Promise<boolean>,
): AsyncGenerator<GcItem> {
  for (const name of (await namesIn(dir)).sort()) {
    if (await goes(name)) yield await item(what, join(dir, name));
  }
}

async function item(what: GcItem["what"], path: string): Promise<GcItem> {
  return { what, path, sizeBytes: await treeSize(path) };
}

/** Bytes of the files in a tree; links count nothing. */
async function treeSize(path: string): Promise<number> {
  const info = await Deno.lstat(path);
  if (!info.isDirectory) return info.isSymlink ? 0 : info.size;
  let sum = 0;
  for await (const entry of Deno.readDir(path)) sum += await treeSize(join(path, entry.name));
  return sum;
}

async function pruneFileDigests(store: Store): Promise<void> {
  const files = await FileDigests.open(store.path("files.json"));
  await files.prune();
  await files.save();
}
