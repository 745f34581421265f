/**
 * A repository at a commit, in the cache or on its way there: which commit a reference stands for,
 * which files the commit has, and the files themselves.
 *
 * Invariant: what is cached is used without asking anybody. The network is used for a revision that
 * nobody has resolved, for a list of files that nobody has kept, and for files that are missing.
 */

import { statfs } from "node:fs/promises";
import { dirname } from "@std/path";
import { OddsmithError } from "../base/error.ts";
import { RepoCache } from "./cache.ts";
import { HubClient } from "./client.ts";
import { downloadFile } from "./download.ts";
import {
  cacheNotWritable,
  diskFull,
  fileNotFound,
  netDenied,
  offlineFiles,
  offlineRevision,
} from "./errors.ts";
import { askCommit, askListing, type HubFile, type Listing } from "./listing.ts";
import { type HubReference, isCommit } from "./reference.ts";
import { type HubSettings, hubSettings } from "./settings.ts";

/** How far a download is. */
export interface DownloadProgress {
  /** The file that grew last. */
  readonly path: string;
  /** Of all files asked for; can go back where a file had to start again. */
  readonly bytes: number;
  readonly totalBytes: number;
}

/** Whom to tell, and when to stop. */
export interface HubOptions {
  /** Default: as the environment says. */
  readonly settings?: HubSettings;
  /** Default: one that never aborts. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Receives what people should know, e.g. that the hub could not be asked. */
  readonly log?: (message: string, level: "info" | "warn") => void;
}

const PARALLEL = 4;

/** The commit a reference stands for as far as the cache tells; asks nobody, writes nothing. */
export async function cachedCommit(
  reference: HubReference,
  settings?: HubSettings,
): Promise<string | undefined> {
  settings ??= await hubSettings();
  const commit = await new RepoCache(settings, reference).commitOf(reference.revision);
  if (commit === undefined) {
    if (settings.offline) throw offlineRevision(reference);
    await checkNet(new URL(settings.endpoint).host);
  }
  return commit;
}

/**
 * The commit a reference stands for: the one the cache knows, or else the hub's, which the cache
 * knows from then on.
 *
 * @param renew True: the hub is asked even so; where it does not answer, the cached one has to do.
 * @throws {OddsmithError} HubError OFFLINE, REPO_NOT_FOUND, REVISION_NOT_FOUND, GATED, UNAUTHORIZED,
 *   UNREACHABLE, NET_DENIED, BAD_ANSWER, CACHE_NOT_WRITABLE.
 */
export async function resolveCommit(
  reference: HubReference,
  options: HubOptions = {},
  renew = false,
): Promise<string> {
  const settings = options.settings ?? await hubSettings();
  const cache = new RepoCache(settings, reference);
  const known = await cache.commitOf(reference.revision);
  const isFixed = isCommit(reference.revision);
  if (known !== undefined && (isFixed || !renew || settings.offline)) return known;
  if (settings.offline) throw offlineRevision(reference);
  const client = new HubClient(settings, options.signal);
  const commit = await unlessUnreachable(
    () => askCommit(client, reference, known === undefined ? undefined : 1),
    known,
    (why) => options.log?.(`${why}; the cached commit ${known} is used`, "warn"),
  );
  await writing(cache, () => cache.setCommit(reference.revision, commit));
  return commit;
}

/** A repository at a commit. */
export class Snapshot {
  /** The commit. */
  readonly commit: string;
  /** The folder of its files, as far as they have been fetched. */
  readonly dir: string;
  /** Paths of all files the commit has; where only the cache could be asked, of those it has. */
  readonly paths: readonly string[];
  readonly #reference: HubReference;
  readonly #cache: RepoCache;
  readonly #listing: Listing | undefined;
  readonly #client: HubClient;
  readonly #options: HubOptions;

  private constructor(
    reference: HubReference,
    commit: string,
    listing: Listing | undefined,
    paths: readonly string[],
    parts: { cache: RepoCache; client: HubClient; options: HubOptions },
  ) {
    this.#reference = reference;
    this.commit = commit;
    this.paths = paths;
    this.dir = parts.cache.snapshotDir(commit);
    this.#listing = listing;
    this.#cache = parts.cache;
    this.#client = parts.client;
    this.#options = parts.options;
  }

  /**
   * Finds out which files a commit has.
   *
   * @throws {OddsmithError} HubError OFFLINE where nothing of it is cached, and as `resolveCommit`.
   */
  static async open(
    reference: HubReference,
    commit: string,
    options: HubOptions = {},
  ): Promise<Snapshot> {
    const settings = options.settings ?? await hubSettings();
    const cache = new RepoCache(settings, reference);
    const client = new HubClient(settings, options.signal);
    const cached = await cache.cachedFiles(commit);
    let listing = await cache.listing(commit);
    if (listing === undefined && !settings.offline) {
      const some = cached.length > 0;
      listing = await unlessUnreachable(
        () => askListing(client, reference, commit, some ? 1 : undefined),
        some ? new Map() : undefined,
        (why) => options.log?.(`${why}; only the files that are cached are used`, "warn"),
      );
      if (listing.size === 0) listing = undefined;
      else await keepListing(cache, commit, listing);
    }
    if (listing === undefined && cached.length === 0) throw offlineFiles(reference, []);
    const paths = listing === undefined ? cached : [...listing.keys()].sort();
    return new Snapshot(reference, commit, listing, paths, { cache, client, options });
  }

  /** Where a file is once it has been fetched. */
  filePath(path: string): string {
    return this.#cache.filePath(this.commit, path);
  }

  /**
   * Makes sure that files are in the cache, four at a time.
   *
   * @throws {OddsmithError} HubError CHECKSUM_MISMATCH, DISK_FULL, OFFLINE, CACHE_NOT_WRITABLE, and
   *   as `resolveCommit`.
   */
  async fetch(paths: readonly string[]): Promise<void> {
    const missing: string[] = [];
    for (const path of paths) if (!await this.#cache.has(this.commit, path)) missing.push(path);
    if (missing.length === 0) return;
    if (this.#client.settings.offline) throw offlineFiles(this.#reference, missing);
    const files = new Map(missing.map((path) => {
      const file = this.#listing?.get(path);
      if (file === undefined) throw fileNotFound(this.#reference, path);
      return [path, file];
    }));
    await writing(this.#cache, () => this.#download(files));
  }

  async #download(files: ReadonlyMap<string, HubFile>): Promise<void> {
    const { onProgress, log } = this.#options;
    const totalBytes = [...files.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    await Deno.mkdir(this.#cache.dir, { recursive: true });
    await checkSpace(this.#cache.dir, totalBytes);
    const done = new Map<string, number>();
    const tell = (path: string, bytes: number) => {
      done.set(path, bytes);
      const sum = done.values().reduce((a, b) => a + b, 0);
      onProgress?.({ path, bytes: sum, totalBytes });
    };
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#client.signal, stop.signal]);
    const client = new HubClient(this.#client.settings, signal);
    const queue = files.entries();
    const work = async () => {
      for (const [path, file] of queue) {
        await downloadFile(client, this.#cache, {
          reference: this.#reference,
          commit: this.commit,
          path,
          file,
          onBytes: (bytes) => tell(path, bytes),
          onWait: () => log?.(`waiting for another download of "${path}"`, "info"),
        });
      }
    };
    const workers = Array.from(
      { length: Math.min(PARALLEL, files.size) },
      () =>
        work().catch((error) => {
          stop.abort(error);
          throw error;
        }),
    );
    // The first failure is the cause; the others were stopped by it.
    await Promise.allSettled(workers);
    this.#client.signal.throwIfAborted();
    stop.signal.throwIfAborted();
  }
}

/** Asks the hub; where it does not answer, what is there already has to do. */
async function unlessUnreachable<T>(
  ask: () => Promise<T>,
  fallback: T | undefined,
  warn: (why: string) => void,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const isSilent = error instanceof OddsmithError && error.code === "UNREACHABLE";
    if (!isSilent || fallback === undefined) throw error;
    warn(error.message);
    return fallback;
  }
}

/** A listing can be asked for again, so a cache that may only be read is no obstacle. */
async function keepListing(cache: RepoCache, commit: string, listing: Listing): Promise<void> {
  await cache.setListing(commit, listing).catch((error) => {
    if (!isRefusedWrite(error)) throw error;
  });
}

async function writing<T>(cache: RepoCache, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isRefusedWrite(error)) throw cacheNotWritable(dirname(cache.dir), error);
    throw error;
  }
}

function isRefusedWrite(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable ||
    (error as { code?: unknown } | null)?.code === "EROFS";
}

/** Tells of a permission that was denied before a run comes to need it. */
async function checkNet(host: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "net", host });
  if (state === "denied") throw netDenied(host);
}

async function checkSpace(dir: string, neededBytes: number): Promise<void> {
  let freeBytes: number;
  try {
    const { bavail, bsize } = await statfs(dir);
    freeBytes = bavail * bsize;
  } catch {
    // Not every system and permission tells; a write that fails will.
    return;
  }
  if (freeBytes >= neededBytes) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw diskFull(dir, `${megabytes(neededBytes)} needed, ${megabytes(freeBytes)} free`);
}
