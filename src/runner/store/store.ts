/**
 * The store below a runs directory: artifacts by content, the lock files, the scratch folders and
 * the names of everything else kept there. What cache keys lead to is in cache_records.ts.
 *
 *     artifacts/<digest>/artifact.json   what was written, for checking
 *     artifacts/<digest>/files/          the artifact
 *     keys/<cache key>.json              cache records
 *     latest/<hash>.json                 the newest record of a pipeline's stage
 *     scratch/<cache key>/               what unfinished stages keep
 *     tmp/                               artifacts being written
 *     locks/                             of runs, of stages being made, of the store
 *     files.json                         digests of files outside the store
 *
 * Invariant: a folder under artifacts/ was complete and on disk before it got its name. Whatever
 * adds a name that others may rely on does so inside `guard`, so that gc, which holds the guard
 * alone, sees each artifact together with the record or manifest that refers to it.
 */

import { join } from "@std/path";
import { syncDir, writeFileAtomic } from "../../base/atomic.ts";
import { type ArtifactInfo, type ArtifactState, checkArtifactFiles } from "./artifact_files.ts";
import { sealArtifact } from "./artifact_files.ts";
import type { ArtifactType } from "../contract.ts";
import { withLock } from "./lock.ts";
import { readStored } from "./stored_shapes.ts";

/** An artifact that was written and hashed, but has no name in the store yet. */
export interface DraftArtifact {
  /** Its digest, and what it is made of. */
  readonly info: ArtifactInfo;
  /** Its folder under tmp/. */
  readonly dir: string;
}

/** The store of one runs directory. */
export class Store {
  /** The runs directory, absolute. */
  readonly runsDir: string;
  /** The store's own folder, `.store` in the runs directory. */
  readonly dir: string;

  /** Names a store; nothing is read or written yet. */
  constructor(runsDir: string) {
    this.runsDir = runsDir;
    this.dir = join(runsDir, ".store");
  }

  /** Makes the store's folders. */
  async prepare(): Promise<void> {
    for (const name of ["artifacts", "keys", "latest", "scratch", "tmp", "locks"]) {
      await Deno.mkdir(join(this.dir, name), { recursive: true });
    }
  }

  /** A path inside the store. */
  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  /** The lock held while the result of a cache key is being made. */
  stageLock(key: string): string {
    return this.path("locks", `stage-${key}.lock`);
  }

  /** The lock held while a run is alive. */
  runLock(runId: string): string {
    return this.path("locks", `run-${runId}.lock`);
  }

  /** What an unfinished stage of this cache key keeps between runs. */
  scratchDir(key: string): string {
    return this.path("scratch", key);
  }

  /** The folder of an artifact's files. */
  filesDir(digest: string): string {
    return this.path("artifacts", digest, "files");
  }

  /** Runs `body` while gc keeps out; several guards may be held at once. Keep it short. */
  async guard<T>(body: () => Promise<T>): Promise<T> {
    return await withLock(this.path("locks", "store.lock"), "shared", body);
  }

  /** Runs `body` while nothing is added to the store. */
  async alone<T>(body: () => Promise<T>): Promise<T> {
    return await withLock(this.path("locks", "store.lock"), "exclusive", body);
  }

  /**
   * Writes a value below tmp/ and gives it its digest. On failure nothing is left.
   *
   * @param label Starts the temporary folder's name: the cache key whose lock its maker holds.
   */
  async draft<W>(type: ArtifactType<unknown, W>, value: W, label: string): Promise<DraftArtifact> {
    const dir = this.path("tmp", `${label}-${crypto.randomUUID().slice(0, 8)}`);
    try {
      await Deno.mkdir(join(dir, "files"), { recursive: true });
      await type.write(value, join(dir, "files"));
      const info = await sealArtifact(join(dir, "files"), type);
      await writeFileAtomic(join(dir, "artifact.json"), JSON.stringify(info, null, 1) + "\n");
      return { info, dir };
    } catch (error) {
      await removeTree(dir).catch(() => {});
      throw error;
    }
  }

  /**
   * Gives a draft its place. An equal artifact that is there already is kept, a damaged one is
   * replaced. Call it inside `guard`.
   */
  async keep(draft: DraftArtifact): Promise<void> {
    const target = this.path("artifacts", draft.info.digest);
    const { state } = await this.check(draft.info.digest);
    if (state === "ok") return await removeTree(draft.dir);
    if (state === "damaged") {
      const aside = this.path("tmp", `damaged-${crypto.randomUUID()}`);
      await Deno.rename(target, aside);
      await removeTree(aside);
    }
    try {
      await Deno.rename(draft.dir, target);
    } catch (error) {
      // Another run may have put an equal one there since the check.
      const again = await this.check(draft.info.digest);
      await removeTree(draft.dir);
      if (again.state !== "ok") throw error;
    }
    await syncDir(this.path("artifacts"));
  }

  /** What artifact.json says, or undefined where it is missing or unreadable. */
  async info(digest: string): Promise<ArtifactInfo | undefined> {
    return await readStored("artifact", this.path("artifacts", digest, "artifact.json"));
  }

  /**
   * Checks an artifact before use: names, sizes and times, and the hash of what has another time
   * than when it was written. `full` hashes all of it.
   */
  async check(digest: string, options: { full?: boolean } = {}): Promise<ArtifactState> {
    const there = await Deno.stat(this.path("artifacts", digest)).then(() => true, () => false);
    if (!there) return { state: "missing" };
    const info = await this.info(digest);
    if (!info || info.digest !== digest) {
      return { state: "damaged", why: "its artifact.json is missing or broken" };
    }
    try {
      const found = await checkArtifactFiles(this.filesDir(digest), info, options.full ?? false);
      if (found.state === "ok" && found.refreshed) await this.#remember(found.refreshed);
      return found;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return { state: "damaged", why: "its files are missing" };
    }
  }

  /** Digests of all artifacts. */
  async digests(): Promise<string[]> {
    const names = await namesIn(this.path("artifacts"));
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).sort();
  }

  /** Writes new times down, so that the next check is quick; a store that is read-only stays slow. */
  async #remember(info: ArtifactInfo): Promise<void> {
    const path = this.path("artifacts", info.digest, "artifact.json");
    await writeFileAtomic(path, JSON.stringify(info, null, 1) + "\n").catch(() => {});
  }
}

/** Hashes every artifact of a store: what `doctor` reports. Yields digest and state, in order. */
export async function* verifyStore(
  runsDir: string,
): AsyncGenerator<{ digest: string; state: ArtifactState }> {
  const store = new Store(runsDir);
  for (const digest of await store.digests()) {
    yield { digest, state: await store.check(digest, { full: true }) };
  }
}

/** Names of a folder's entries; none where there is no folder. */
export async function namesIn(dir: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(dir))).map((entry) => entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Removes a file or a folder with read-only files in it; one that is gone is fine. */
export async function removeTree(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
