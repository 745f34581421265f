/** Copies a folder's files, following links, into an existing folder. */

import { join } from "@std/path";

/** Copies everything in `from` into `to`. */
export async function copy(from: string, to: string): Promise<void> {
  for await (const entry of Deno.readDir(from)) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    const info = await Deno.stat(source);
    if (info.isDirectory) {
      await Deno.mkdir(target, { recursive: true });
      await copy(source, target);
    } else {
      await Deno.copyFile(source, target);
    }
  }
}
