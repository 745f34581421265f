/**
 * Digests of files outside the store, remembered by path, size, times and inode, so that a large
 * data file is hashed once and not before every plan.
 *
 * Invariant: a remembered digest is used only for a file whose size, modification time, change
 * time and inode are what they were, and that had been left alone for a while when it was hashed.
 */

import { join } from "@std/path";
import { writeFileAtomic } from "../../base/atomic.ts";
import { sha256, sha256File } from "../../base/hash.ts";
import { canonicalJson } from "../../base/json.ts";

interface Remembered {
  sizeBytes: number;
  mtimeMs: number;
  ctimeMs: number;
  inode: number;
  sha256: string;
}

/** A file changed so recently may change again without its times showing it. */
const SETTLED_MS = 2000;

/** Digests of files and folders, kept in one JSON file between runs. */
export class FileDigests {
  readonly #path: string;
  readonly #known: Map<string, Remembered>;
  #changed = false;

  private constructor(path: string, known: Map<string, Remembered>) {
    this.#path = path;
    this.#known = known;
  }

  /** Opens the memory at `path`; a missing or damaged one is an empty one. */
  static async open(path: string): Promise<FileDigests> {
    try {
      const known = Object.entries<Remembered>(JSON.parse(await Deno.readTextFile(path)));
      const isWhole = ([, entry]: [string, Remembered]) => /^[0-9a-f]{64}$/.test(entry.sha256);
      return new FileDigests(path, new Map(known.filter(isWhole)));
    } catch {
      return new FileDigests(path, new Map());
    }
  }

  /**
   * The digest of a file's content, or of a folder's files with their names; links are followed.
   *
   * @throws Deno.errors.NotFound if there is no such file.
   */
  async digest(path: string): Promise<string> {
    const info = await Deno.stat(path);
    if (!info.isDirectory) return await this.#fileDigest(path, info);
    const files: Record<string, string> = {};
    await this.#visit(path, "", files, new Set());
    return sha256(canonicalJson(files));
  }

  /** Saves what was learned; call it inside the store's guard. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    const known = Object.fromEntries([...this.#known].sort(([a], [b]) => a < b ? -1 : 1));
    await writeFileAtomic(this.#path, JSON.stringify(known));
  }

  /** Forgets files that are gone. */
  async prune(): Promise<void> {
    for (const path of this.#known.keys()) {
      if (await Deno.stat(path).then(() => false, () => true)) {
        this.#known.delete(path);
        this.#changed = true;
      }
    }
  }

  async #visit(
    root: string,
    below: string,
    files: Record<string, string>,
    above: ReadonlySet<string>,
  ): Promise<void> {
    const real = await Deno.realPath(join(root, below));
    if (above.has(real)) return;
    for await (const entry of Deno.readDir(real)) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      const path = join(root, name);
      const info = await Deno.stat(path);
      if (info.isDirectory) await this.#visit(root, name, files, new Set([...above, real]));
      else files[name] = await this.#fileDigest(path, info);
    }
  }

  async #fileDigest(path: string, info: Deno.FileInfo): Promise<string> {
    const now = {
      sizeBytes: info.size,
      mtimeMs: info.mtime?.getTime() ?? 0,
      ctimeMs: info.ctime?.getTime() ?? 0,
      inode: info.ino ?? 0,
    };
    const known = this.#known.get(path);
    if (
      known && known.sizeBytes === now.sizeBytes && known.mtimeMs === now.mtimeMs &&
      known.ctimeMs === now.ctimeMs && known.inode === now.inode
    ) return known.sha256;
    const settled = Date.now() - Math.max(now.mtimeMs, now.ctimeMs) > SETTLED_MS;
    const digest = await sha256File(path);
    if (settled) {
      this.#known.set(path, { ...now, sha256: digest });
      this.#changed = true;
    }
    return digest;
  }
}
