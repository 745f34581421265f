/**
 * What people write for a repository of the hub, taken apart: `owner/name@revision` or a `hf://`
 * address. Knows names alone; whether there is such a repository, only the hub can say.
 *
 * Invariant: id, revision and path of a reference are safe to put into a path or an address: no
 * `..`, no empty part, no characters but those the hub allows.
 */

import { badReference } from "./errors.ts";

/** What a repository holds. */
export type RepoType = "model" | "dataset";

/** A repository at a revision. */
export interface HubReference {
  /** As it was written. */
  readonly text: string;
  /** What the repository holds. */
  readonly type: RepoType;
  /** "owner/name". */
  readonly id: string;
  /** A branch, a tag or a commit; "main" where none was given. */
  readonly revision: string;
  /** The rest of a `hf://` address: of a dataset a file, a folder or a glob, of a model a GGUF file. */
  readonly path?: string;
}

/** The scheme that says beyond doubt that the hub is meant. */
export const HUB_SCHEME = "hf://";

/** Letters, digits and `_-.`; no `-` or `.` at an end, no `--`, no `..`, not `.git` at the end. */
const REPO_NAME = /^(?!.*(--|\.\.))(?!.*\.git$)\w([\w.-]{0,94}\w)?$/;
const COMMIT = /^[0-9a-f]{40}$/;
const SPECIAL_REF = /^refs\/(?:pr|convert)\/[^/]+/;

/** Whether a revision is a whole commit hash, so that nobody need be asked what it means. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/** The name that plans, records and messages give a repository, e.g. "hf://owner/name@main". */
export function referenceName({ type, id, revision }: HubReference): string {
  return `${HUB_SCHEME}${type === "dataset" ? "datasets/" : ""}${id}@${revision}`;
}

/**
 * Takes `owner/name` or `owner/name@revision` apart; undefined for any other text.
 *
 * @throws {OddsmithError} HubError BAD_REFERENCE for a revision that cannot be one.
 */
export function parseShortReference(text: string, type: RepoType): HubReference | undefined {
  const at = text.indexOf("@");
  const id = at < 0 ? text : text.slice(0, at);
  if (!isRepoId(id)) return undefined;
  const revision = at < 0 ? "main" : text.slice(at + 1);
  if (!isRevision(revision)) throw badReference(text, `"${revision}" is no revision`);
  return { text, type, id, revision };
}

/**
 * Takes a `hf://` address apart: `hf://[models/]owner/name[@revision]` or
 * `hf://datasets/owner/name[@revision][/path]`; a model's path is that of a GGUF file. A revision
 * with a slash is written with `%2F`, except `refs/pr/...` and `refs/convert/...`.
 *
 * @param wanted What kind of repository is meant to be there.
 * @throws {OddsmithError} HubError BAD_REFERENCE.
 */
export function parseHubAddress(text: string, wanted: RepoType): HubReference {
  let rest = text.slice(HUB_SCHEME.length);
  const prefix = /^(models|datasets|spaces|kernels|buckets)\//.exec(rest)?.[1];
  if (prefix !== undefined) rest = rest.slice(prefix.length + 1);
  const type = prefix === undefined || prefix === "models" ? "models" : prefix;
  if (type !== `${wanted}s`) {
    throw badReference(text, `it names a repository of ${type}, a ${wanted} is wanted`);
  }
  const [owner = "", name = "", ...below] = splitRevision(rest);
  const { revision, path } = revisionAndPath(text, below);
  const id = `${owner}/${name}`;
  if (!isRepoId(id)) throw badReference(text, `"${id}" is no owner/name`);
  if (path !== undefined && wanted === "model" && !path.toLowerCase().endsWith(".gguf")) {
    throw badReference(text, "a model is a whole repository, or a GGUF file of it");
  }
  return { text, type: wanted, id, revision, ...(path === undefined ? {} : { path }) };
}

/** [owner, name, what follows]: what follows begins with "@" (a revision) or "/" (a path). */
function splitRevision(rest: string): string[] {
  const match = /^([^/]*)\/([^/@]*)(.*)$/s.exec(rest);
  return match ? match.slice(1) : [rest];
}

function revisionAndPath(
  text: string,
  [below = ""]: string[],
): { revision: string; path?: string } {
  let revision = "main";
  let path = below.replace(/^\//, "");
  if (below.startsWith("@")) {
    const after = below.slice(1);
    const written = SPECIAL_REF.exec(after)?.[0] ?? after.split("/", 1)[0]!;
    path = after.slice(written.length).replace(/^\//, "");
    revision = decoded(written);
  }
  if (!isRevision(revision)) throw badReference(text, `"${revision}" is no revision`);
  path = path.replace(/\/$/, "");
  if (path === "") return { revision };
  if (!isRepoPath(path)) throw badReference(text, `"${path}" is no path in a repository`);
  return { revision, path };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isRepoId(id: string): boolean {
  const parts = id.split("/");
  return parts.length === 2 && parts.every((part) => REPO_NAME.test(part));
}

function isRevision(revision: string): boolean {
  return /^[\w./+-]+$/.test(revision) && !revision.includes("..") &&
    revision.split("/").every((part) => part !== "" && !part.startsWith("."));
}

/** Whether a path stays inside its repository, whatever system it is joined to a folder on. */
export function isRepoPath(path: string): boolean {
  // deno-lint-ignore no-control-regex
  return !/[\\\x00-\x1f:]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
