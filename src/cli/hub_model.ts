/** A model of the hub as a verb's argument: found in the cache, or downloaded there. */

import { format as formatBytes } from "@std/fmt/bytes";
import { resolve } from "@std/path";

const TELL_EVERY_MS = 2000;

/**
 * The folder of a repository's model, or its GGUF file; undefined where the text names no repository.
 *
 * @param say Receives how a download goes.
 * @throws {OddsmithError} HubError; ModelError NO_MODEL.
 */
export async function fetchHubModel(
  which: string,
  say: (line: string) => void,
): Promise<{ path: string; name: string } | undefined> {
  const { locate } = await import("../hub/location.ts");
  const location = await locate(which, "model", (path) => resolve(path));
  if (location.kind !== "hub") return undefined;
  const { reference } = location;
  const { referenceName } = await import("../hub/reference.ts");
  const { resolveCommit, Snapshot } = await import("../hub/snapshot.ts");
  const { fetchModel } = await import("../../stages/model_source.ts");
  let told = performance.now();
  const options = {
    log: (message: string) => say(message),
    onProgress: (
      { path, bytes, totalBytes }: { path: string; bytes: number; totalBytes: number },
    ) => {
      if (performance.now() - told < TELL_EVERY_MS) return;
      told = performance.now();
      say(`downloading ${path}: ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`);
    },
  };
  const commit = await resolveCommit(reference, options);
  const snapshot = await Snapshot.open(reference, commit, options);
  return { path: await fetchModel(reference, snapshot), name: referenceName(reference) };
}
