/**
 * The one place that decides whether a text of a pipeline means a path or a repository of the hub:
 *
 * 1. `hf://...` is the hub's;
 * 2. what begins with `./`, `../`, `/`, `~` or a drive is a path;
 * 3. what is there as a file or a folder is a path;
 * 4. `owner/name` and `owner/name@revision` are the hub's, unless the name ends as a file does;
 * 5. anything else is a path.
 */

import {
  HUB_SCHEME,
  type HubReference,
  parseHubAddress,
  parseShortReference,
  type RepoType,
} from "./reference.ts";

/** Where something is. */
export type Location =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "hub"; readonly reference: HubReference };

const PLAINLY_PATH = /^(\.{1,2}([/\\]|$)|[/\\~]|[A-Za-z]:[/\\])/;
const FILE_NAME =
  /\.(jsonl?|ndjson|csv|tsv|parquet|txt|ya?ml|gguf|safetensors|bin|pt|gz|gzip|zst|zstd|zip)$/i;

/**
 * Says where a text points.
 *
 * @param type What kind of repository it may be.
 * @param resolvePath Makes an absolute path of a configured one.
 * @throws {OddsmithError} HubError BAD_REFERENCE.
 */
export async function locate(
  text: string,
  type: RepoType,
  resolvePath: (path: string) => string,
): Promise<Location> {
  if (text.startsWith(HUB_SCHEME)) return { kind: "hub", reference: parseHubAddress(text, type) };
  const path: Location = { kind: "path", path: text };
  if (PLAINLY_PATH.test(text) || FILE_NAME.test(text)) return path;
  if (await exists(resolvePath(text))) return path;
  const reference = parseShortReference(text, type);
  return reference === undefined ? path : { kind: "hub", reference };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
