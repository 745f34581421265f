/**
 * Hugging Face's cache on disk, as its Python library lays it out and reads it:
 *
 *     <cache>/models--owner--name/refs/<revision>          the commit, as text
 *                                 snapshots/<commit>/<path> -> ../../blobs/<etag>
 *                                 blobs/<etag>, blobs/<etag>.incomplete
 *     <cache>/.locks/models--owner--name/<etag>.lock
 *
 * Invariant: what lies in `snapshots` is whole and checked. Listings of a commit's files are read
 * from `trees/`, where that library keeps them, but written to `.oddsmith/trees/`: it takes a
 * listing of its own for a promise that every file has been downloaded.
 */

import { dirname, join, relative, SEPARATOR } from "@std/path";
import { syncDir, temporaryName, writeFileAtomic } from "../base/atomic.ts";
import { checkedFile, type HubFile, type Listing } from "./listing.ts";
import { type HubReference, isCommit } from "./reference.ts";
import type { HubSettings } from "./settings.ts";

/** One repository's folder in the cache. */
export class RepoCache {
  /** The repository's folder; it may not exist. */
  readonly dir: string;
  readonly #locks: string;
  readonly #symlinks: boolean;

  constructor({ cacheDir, symlinks }: HubSettings, { type, id }: HubReference) {
    const folder = [`${type}s`, ...id.split("/")].join("--");
    this.dir = join(cacheDir, folder);
    this.#locks = join(cacheDir, ".locks", folder);
    this.#symlinks = symlinks;
  }

  /** The commit a revision stood for when it was last asked for; undefined where nobody has. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readText(join(this.dir, "refs", ...revision.split("/")));
    const commit = text?.trim();
    return commit !== undefined && isCommit(commit) ? commit : undefined;
  }

  /** Remembers what a revision stands for. */
  async setCommit(revision: string, commit: string): Promise<void> {
    if (isCommit(revision)) return;
    if (await this.commitOf(revision) === commit) return;
    const path = join(this.dir, "refs", ...revision.split("/"));
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, commit);
  }

  /** The listing of a commit, where this or Hugging Face's library has kept it. */
  async listing(commit: string): Promise<Listing | undefined> {
    for (const folder of ["trees", join(".oddsmith", "trees")]) {
      const text = await readText(join(this.dir, folder, `${commit}.json`));
      const listing = text === undefined ? undefined : parseListing(text);
      if (listing !== undefined) return listing;
    }
    return undefined;
  }

  /** Keeps the listing of a commit; a commit's files never change. */
  async setListing(commit: string, listing: Listing): Promise<void> {
    const path = join(this.dir, ".oddsmith", "trees", `${commit}.json`);
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, formatListing(listing));
  }

  /** The folder of a commit's files; it may not exist. */
  snapshotDir(commit: string): string {
    return join(this.dir, "snapshots", commit);
  }

  /** Where a file of a commit is, or would be. */
  filePath(commit: string, path: string): string {
    return join(this.snapshotDir(commit), ...path.split("/"));
  }

  /** Whether a file of a commit is there. */
  async has(commit: string, path: string): Promise<boolean> {
    return await isFile(this.filePath(commit, path));
  }

  /** Paths of the files of a commit that are there. */
  async cachedFiles(commit: string): Promise<string[]> {
    const root = this.snapshotDir(commit);
    const found: string[] = [];
    for (const open = [root]; open.length > 0;) {
      const dir = open.pop()!;
      const entries = await Array.fromAsync(Deno.readDir(dir)).catch(() => []);
      for (const { name, isDirectory } of entries) {
        const path = join(dir, name);
        if (isDirectory) open.push(path);
        else if (await isFile(path)) found.push(relative(root, path).replaceAll(SEPARATOR, "/"));
      }
    }
    return found.sort();
  }

  /** Where content is kept by its checksum, or would be. */
  blobPath(etag: string): string {
    return join(this.dir, "blobs", etag);
  }

  /** The lock that whoever downloads a content holds; its folder exists afterwards. */
  async lockPath(etag: string): Promise<string> {
    await Deno.mkdir(this.#locks, { recursive: true });
    return join(this.#locks, `${etag}.lock`);
  }

  /**
   * Makes a content, which is there, a file of a commit: by a link, or by a move or a copy where
   * the system or Deno's permissions allow no links (Deno asks for unscoped --allow-read and
   * --allow-write for one).
   *
   * @param isNew True where no other commit can be using the content yet.
   */
  async place(commit: string, path: string, { etag }: HubFile, isNew: boolean): Promise<void> {
    const target = this.filePath(commit, path);
    const blob = this.blobPath(etag);
    await Deno.mkdir(dirname(target), { recursive: true });
    if (await isFile(target)) return;
    await Deno.remove(target).catch(ignoreMissing);
    if (this.#symlinks && await tryLink(relative(dirname(target), blob), target)) return;
    if (isNew) {
      await Deno.rename(blob, target);
    } else {
      const temporary = temporaryName(target);
      await Deno.copyFile(blob, temporary);
      await Deno.rename(temporary, target);
    }
    await syncDir(dirname(target));
  }
}

/** Whether a path is a file, links followed. */
export async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

async function tryLink(to: string, path: string): Promise<boolean> {
  try {
    await Deno.symlink(to, path, { type: "file" });
    return true;
  } catch (error) {
    // Another process has just made the same link.
    return error instanceof Deno.errors.AlreadyExists && await isFile(path);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

async function readText(path: string): Promise<string | undefined> {
  return await Deno.readTextFile(path).catch(() => undefined);
}

interface TreeEntry {
  readonly size?: unknown;
  readonly blob_id?: unknown;
  readonly lfs_sha256?: unknown;
  readonly lfs_size?: unknown;
}

/** Reads a listing in the form of Hugging Face's library; a damaged one is none. */
function parseListing(text: string): Listing | undefined {
  try {
    const { format_version: version, files } = JSON.parse(text);
    if (version !== 1) return undefined;
    const listing = new Map<string, HubFile>();
    for (const [path, entry] of Object.entries<TreeEntry>(files)) {
      const file = checkedFile(
        path,
        entry.lfs_size ?? entry.size,
        entry.lfs_sha256 ?? entry.blob_id,
      );
      if (file === undefined) return undefined;
      listing.set(path, file);
    }
    return listing;
  } catch {
    return undefined;
  }
}

function formatListing(listing: Listing): string {
  const files = [...listing].sort(([a], [b]) => a < b ? -1 : 1).map(([path, file]) => {
    const { sizeBytes: size, etag } = file;
    const entry = etag.length === 64 ? { size, lfs_sha256: etag, lfs_size: size } : {
      size,
      blob_id: etag,
    };
    return [path, entry];
  });
  return JSON.stringify({ format_version: 1, files: Object.fromEntries(files) }, null, 1);
}
