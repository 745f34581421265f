/**
 * Advisory file locks between processes (flock): who makes a stage's result, whether a run is
 * alive, and when the store may be cleaned.
 *
 * Invariant: the operating system drops a lock with the process that held it, however it died, so
 * a lock that is held always has a living owner and no lock ever has to be broken by hand.
 */

import { tryFileLock } from "../../base/file_lock.ts";

/** Who holds a lock; written into the lock file for other processes to read. */
export interface LockOwner {
  /** Its process. */
  readonly pid: number;
  /** Its run. */
  readonly runId: string;
  /** The stage being made, where the lock is a stage's. */
  readonly stageId?: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

const ATTEMPTS = 6;
const RETRY_MS = 25;

/** A lock this process holds until it is released or the process ends. */
export class HeldLock implements AsyncDisposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #held = true;

  /** Wraps an open, already locked file; `acquireLock` makes these. */
  constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Removes the lock file, then lets go: a waiting process never locks a removed file for long. */
  async release(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    await Deno.remove(this.#path).catch(() => {});
    this.#file.close();
  }

  /** Releases at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/**
 * Takes a lock, or returns undefined when another process (or another run in this one) holds it.
 * The folder must exist. Tries for about 150 ms, because `lockHolder` holds a lock for a moment.
 */
export async function acquireLock(path: string, owner: LockOwner): Promise<HeldLock | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    const file = await tryFileLock(path);
    if (file === undefined) continue;
    await file.truncate(0);
    await file.write(new TextEncoder().encode(JSON.stringify(owner)));
    return new HeldLock(path, file);
  }
  return undefined;
}

/** Says whether a lock is held, and by whom where the file tells. */
export async function lockHolder(path: string): Promise<{ held: boolean; owner?: LockOwner }> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { held: false };
    throw error;
  }
  using _closed = file;
  if (await file.tryLock(false)) return { held: false };
  try {
    return { held: true, owner: JSON.parse(await Deno.readTextFile(path)) };
  } catch {
    return { held: true };
  }
}

/** Runs `body` under a lock many may share, or one alone may have; waits for it. */
export async function withLock<T>(
  path: string,
  mode: "shared" | "exclusive",
  body: () => Promise<T>,
): Promise<T> {
  using file = await Deno.open(path, { create: true, read: true, write: true });
  await file.lock(mode === "exclusive");
  return await body();
}
