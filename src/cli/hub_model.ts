/** A model or adapter of the hub as a verb's argument: found in the cache, or downloaded there. */

import { format as formatBytes } from "@std/fmt/bytes";
import { resolve } from "@std/path";
import { ADAPTER_CONFIG } from "../models/lora/folder.ts";

const TELL_EVERY_MS = 2000;

/** What a repository holds. */
export interface HubModel {
  /** The model's or the adapter's folder, or the GGUF file. */
  readonly path: string;
  /** The repository, e.g. "hf://owner/name@main". */
  readonly name: string;
  readonly isAdapter: boolean;
}

/**
 * What a repository holds, which is an adapter where it has one and no model beside it; undefined
 * where the text names no repository.
 *
 * @param say Receives how a download goes.
 * @throws {OddsmithError} HubError; ModelError NO_MODEL, ADAPTER_MISSING.
 */
export async function fetchHubModel(
  which: string,
  say: (line: string) => void,
): Promise<HubModel | undefined> {
  const { locate } = await import("../hub/location.ts");
  const location = await locate(which, "model", (path) => resolve(path));
  if (location.kind !== "hub") return undefined;
  const { reference } = location;
  const { referenceName } = await import("../hub/reference.ts");
  const { resolveCommit, Snapshot } = await import("../hub/snapshot.ts");
  const { fetchModel } = await import("../../stages/model_source.ts");
  const { fetchAdapter } = await import("../../stages/adapter_source.ts");
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
  const name = referenceName(reference);
  const has = (file: string) => snapshot.paths.includes(file);
  if (reference.path !== undefined || !has(ADAPTER_CONFIG) || has("config.json")) {
    return { path: await fetchModel(reference, snapshot), name, isAdapter: false };
  }
  await fetchAdapter(reference, snapshot);
  return { path: snapshot.dir, name, isAdapter: true };
}
