/** A tuning cache of a test's own, so that no test reads or changes the user's. */

import { join } from "@std/path";
import { useTuning } from "../../src/tensor/tuning.ts";

/** Runs `fn` with a cache folder that does not exist yet and nothing measured; gives its path. */
export async function withCache(fn: (dir: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir();
  const dir = join(parent, "cache");
  const before = Deno.env.get("ODDSMITH_CACHE");
  Deno.env.set("ODDSMITH_CACHE", dir);
  useTuning({});
  try {
    await fn(dir);
  } finally {
    useTuning({});
    if (before === undefined) Deno.env.delete("ODDSMITH_CACHE");
    else Deno.env.set("ODDSMITH_CACHE", before);
    await Deno.remove(parent, { recursive: true });
  }
}
