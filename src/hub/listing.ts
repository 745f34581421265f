/**
 * What the hub says of a repository: the commit of a revision, and the files of a commit with
 * their sizes and checksums. Addresses, paging and the answers' forms are @huggingface/hub's; the
 * requests are made by `HubClient`, so that the token, retries and errors are the same everywhere.
 */

import { OddsmithError } from "../base/error.ts";
import type { HubClient } from "./client.ts";
import { badAnswer } from "./errors.ts";
import { type HubReference, isCommit, isRepoPath } from "./reference.ts";

/** A file of a repository at a commit. */
export interface HubFile {
  readonly sizeBytes: number;
  /** The content's SHA-256 for a large file, its Git blob hash (SHA-1) for another. */
  readonly etag: string;
}

/** Files by their paths in the repository. */
export type Listing = ReadonlyMap<string, HubFile>;

/**
 * The commit that a branch, a tag or a shortened commit stands for now.
 *
 * @throws {OddsmithError} HubError REPO_NOT_FOUND, REVISION_NOT_FOUND, GATED, UNAUTHORIZED,
 *   UNREACHABLE, BAD_ANSWER, NET_DENIED.
 */
export async function askCommit(
  client: HubClient,
  reference: HubReference,
  attempts?: number,
): Promise<string> {
  const { modelInfo, datasetInfo } = await import("@huggingface/hub");
  const common = {
    name: reference.id,
    revision: reference.revision,
    hubUrl: client.settings.endpoint,
    fetch: fetchThrough(client, reference, attempts),
  };
  const { sha } = await understood(
    client,
    () =>
      reference.type === "model"
        ? modelInfo({ ...common, additionalFields: ["sha"] })
        : datasetInfo({ ...common, additionalFields: ["sha"] }),
  );
  if (typeof sha !== "string" || !isCommit(sha)) {
    throw badAnswer(client.settings.endpoint, `it gives no commit for "${reference.text}"`);
  }
  return sha;
}

/** Every file of a repository at a commit. @throws {OddsmithError} As `askCommit`. */
export async function askListing(
  client: HubClient,
  reference: HubReference,
  commit: string,
  attempts?: number,
): Promise<Listing> {
  const { listFiles } = await import("@huggingface/hub");
  return await understood(client, async () => {
    const files = new Map<string, HubFile>();
    const entries = listFiles({
      repo: { type: reference.type, name: reference.id },
      revision: commit,
      recursive: true,
      hubUrl: client.settings.endpoint,
      fetch: fetchThrough(client, reference, attempts),
    });
    for await (const { type, path, size, oid, lfs } of entries) {
      if (type !== "file") continue;
      const file = checkedFile(path, lfs?.size ?? size, lfs?.oid ?? oid);
      if (file === undefined) {
        throw badAnswer(client.settings.endpoint, `it lists a file wrongly: ${quoted(path)}`);
      }
      files.set(path, file);
    }
    return files;
  });
}

/** A file as a server or a cached listing tells of it; undefined where it cannot be one. */
export function checkedFile(path: unknown, size: unknown, etag: unknown): HubFile | undefined {
  const isFile = typeof path === "string" && isRepoPath(path) &&
    typeof size === "number" && Number.isSafeInteger(size) && size >= 0 &&
    typeof etag === "string" && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(etag);
  return isFile ? { sizeBytes: size, etag } : undefined;
}

function quoted(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? "nothing";
}

function fetchThrough(
  client: HubClient,
  reference: HubReference,
  attempts: number | undefined,
): typeof fetch {
  return async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    return await client.get(url, { reference }, attempts);
  };
}

/** What the library cannot make sense of is the server's fault, not the user's. */
async function understood<T>(client: HubClient, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    client.signal.throwIfAborted();
    if (error instanceof OddsmithError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw badAnswer(client.settings.endpoint, reason, error);
  }
}
