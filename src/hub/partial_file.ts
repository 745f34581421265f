/**
 * The part of a content that has been downloaded: a file beside its later place, grown at its end,
 * with the checksum of what is in it carried along.
 *
 * Invariant: the file gets its name only when its size and checksum are what they should be.
 */

import { createHash, type Hash } from "node:crypto";
import { dirname } from "@std/path";
import { syncDir } from "../base/atomic.ts";
import { diskFull } from "./errors.ts";
import { isFile } from "./cache.ts";
import type { HubFile } from "./listing.ts";

/** How a finished file compares with what it should be. */
export interface Seal {
  /** True: it has its name now. False: it has been removed. */
  readonly isRight: boolean;
  /** E.g. "sha256 1a2b...". */
  readonly expected: string;
  readonly received: string;
}

/** A download in progress; `using` closes it and keeps it for the next attempt. */
export class PartialFile implements Disposable {
  readonly #path: string;
  readonly #target: string;
  readonly #wanted: HubFile;
  readonly #file: Deno.FsFile;
  #hash: Hash;
  #size = 0;
  #open = true;

  private constructor(target: string, wanted: HubFile, file: Deno.FsFile) {
    this.#path = partialPath(target);
    this.#target = target;
    this.#wanted = wanted;
    this.#file = file;
    this.#hash = newHash(wanted);
  }

  /** Opens what an earlier attempt left behind, or an empty file. The folder must exist. */
  static async open(target: string, wanted: HubFile): Promise<PartialFile> {
    const options = { create: true, read: true, write: true };
    const partial = new PartialFile(target, wanted, await Deno.open(partialPath(target), options));
    try {
      await partial.#readBack();
    } catch (error) {
      partial[Symbol.dispose]();
      throw error;
    }
    return partial;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Adds bytes at the end. @throws {OddsmithError} HubError DISK_FULL. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
    } catch (error) {
      throw this.#writeFault(error);
    }
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  /** Throws away what there is. */
  async restart(): Promise<void> {
    await this.#file.truncate(0);
    await this.#file.seek(0, Deno.SeekMode.Start);
    this.#hash = newHash(this.#wanted);
    this.#size = 0;
  }

  /** Compares the file with what it should be, and gives it its name or removes it. */
  async seal(): Promise<Seal> {
    const { etag, sizeBytes } = this.#wanted;
    const digest = this.#hash.digest("hex");
    const isRight = digest === etag && this.#size === sizeBytes;
    try {
      if (isRight) await this.#file.sync();
    } catch (error) {
      throw this.#writeFault(error);
    }
    this[Symbol.dispose]();
    if (isRight) await this.#rename();
    else await Deno.remove(this.#path);
    const kind = etag.length === 64 ? "sha256" : "Git blob";
    return { isRight, expected: `${kind} ${etag}`, received: digest };
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    if (this.#open) this.#file.close();
    this.#open = false;
  }

  async #rename(): Promise<void> {
    try {
      await Deno.rename(this.#path, this.#target);
    } catch (error) {
      // Where locks do not work, another process may have finished the very same file.
      if (!(error instanceof Deno.errors.NotFound && await isFile(this.#target))) throw error;
    }
    await syncDir(dirname(this.#target));
  }

  async #readBack(): Promise<void> {
    const { size } = await this.#file.stat();
    if (size > this.#wanted.sizeBytes) return await this.restart();
    const buffer = new Uint8Array(1 << 20);
    while (this.#size < size) {
      const count = await this.#file.read(buffer) ?? 0;
      if (count === 0) return;
      this.#hash.update(buffer.subarray(0, count));
      this.#size += count;
    }
  }

  #writeFault(error: unknown): unknown {
    const code = (error as { code?: unknown }).code;
    if (code !== "ENOSPC" && code !== "EDQUOT") return error;
    const left = this.#wanted.sizeBytes - this.#size;
    return diskFull(dirname(this.#target), `${left} bytes are still to come`, error);
  }
}

/** Where the part of a content is kept until it is whole. */
export function partialPath(target: string): string {
  return `${target}.incomplete`;
}

/** Git hashes a blob's length along with its content. */
function newHash({ etag, sizeBytes }: HubFile): Hash {
  return etag.length === 64
    ? createHash("sha256")
    : createHash("sha1").update(`blob ${sizeBytes}\0`);
}
