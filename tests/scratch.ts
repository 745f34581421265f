/** A folder for one test. */

/** Runs `fn` with an empty folder, then removes it. */
export async function inScratch(fn: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
