/**
 * Writes that a crash cannot leave half done: a temporary name beside the target, fsync, rename.
 * A reader sees the old file or the new one, never a part.
 */

import { basename, dirname, join } from "@std/path";

/** A name beside `path` that no reader takes for a result. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.tmp-${basename(path)}-${crypto.randomUUID().slice(0, 8)}`);
}

/** Flushes a folder's entries to disk, where the platform lets one. */
export async function syncDir(dir: string): Promise<void> {
  try {
    using handle = await Deno.open(dir, { read: true });
    await handle.sync();
  } catch {
    // Windows cannot open folders; the rename itself is still atomic there.
  }
}

/** Writes a whole file, or leaves what was there. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  await writeStreamAtomic(path, (write) => write(bytes));
}

/** Writes a whole file part by part, or leaves what was there. */
export async function writeStreamAtomic(
  path: string,
  fill: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    {
      using file = await Deno.open(temporary, { write: true, createNew: true });
      await fill(async (bytes) => {
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      });
      await file.sync();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await syncDir(dirname(path));
}

/**
 * Fills a new folder and puts it at `path` in one rename. If `path` is there already it is kept
 * and the new one is thrown away (the store is content-addressed: the two are equal).
 */
export async function writeDirAtomic(
  path: string,
  fill: (dir: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  await Deno.mkdir(temporary, { recursive: true });
  try {
    await fill(temporary);
    await syncDir(temporary);
    if (await Deno.stat(path).then((info) => info.isDirectory, () => false)) {
      await Deno.remove(temporary, { recursive: true });
      return;
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    throw error;
  }
  await syncDir(dirname(path));
}
