/** The errors of the hub. Addresses are shown without their query: signed ones hold secrets. */

import { OddsmithError } from "../base/error.ts";
import { suggest } from "../base/suggest.ts";
import type { HubReference } from "./reference.ts";

const hubError = (
  code: string,
  message: string,
  hint: string,
  cause?: unknown,
): OddsmithError => new OddsmithError("HubError", code, message, { hint, cause });

const OFFLINE_HINT = "unset HF_HUB_OFFLINE to download it";

/** An address as people may see it. */
export function shownUrl(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** A text that is meant as a reference and is none. */
export function badReference(text: string, reason: string): OddsmithError {
  return hubError(
    "BAD_REFERENCE",
    `Cannot find "${text}" on the hub: ${reason}`,
    "write owner/name, owner/name@revision, hf://owner/name@revision or " +
      "hf://datasets/owner/name@revision/path",
  );
}

/** An HF_ENDPOINT that is no address. */
export function badEndpoint(written: string): OddsmithError {
  return hubError(
    "BAD_ENDPOINT",
    `Cannot reach the hub: HF_ENDPOINT is "${written}", which is no http(s) address`,
    "set it to an address such as https://huggingface.co, or unset it",
  );
}

/** A token with characters that no token has. */
export function badToken(place: string): OddsmithError {
  return hubError(
    "BAD_TOKEN",
    `Cannot use the token of ${place}: it has spaces or characters beyond ASCII`,
    "copy it again from the hub's settings",
  );
}

/** A revision nobody has resolved, with the network out of bounds. */
export function offlineRevision(reference: HubReference): OddsmithError {
  return hubError(
    "OFFLINE",
    `Cannot find "${reference.text}": revision "${reference.revision}" is not cached, and ` +
      "HF_HUB_OFFLINE is set",
    OFFLINE_HINT,
  );
}

/** Files that are not cached, with the network out of bounds. */
export function offlineFiles(reference: HubReference, missing: readonly string[]): OddsmithError {
  const [first, ...others] = missing;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const what = first === undefined ? "nothing of it" : `"${first}"${more}`;
  return hubError(
    "OFFLINE",
    `Cannot read "${reference.text}": ${what} is ${first === undefined ? "" : "not "}cached, and ` +
      "HF_HUB_OFFLINE is set",
    OFFLINE_HINT,
  );
}

/** Deno's own permissions keep a host out of reach. */
export function netDenied(host: string, cause?: unknown): OddsmithError {
  return hubError(
    "NET_DENIED",
    `Cannot reach ${host}: Deno was not given the permission`,
    "run with --allow-net, or name the hub's host and the host that its files come from " +
      `(--allow-net=${host},...)`,
    cause,
  );
}

/** A host that does not answer, or breaks off, however often it is asked. */
export function unreachable(
  host: string,
  attempts: number,
  reason: string,
  cause: unknown,
): OddsmithError {
  const tries = attempts === 1 ? "one attempt" : `${attempts} attempts`;
  return hubError(
    "UNREACHABLE",
    `Cannot get an answer from ${host} after ${tries}: ${reason}`,
    "check the network and HF_ENDPOINT, then run again: a download goes on where it stopped",
    cause,
  );
}

/** No such repository, or one that the token may not see. */
export function repoNotFound(
  reference: HubReference,
  known: readonly string[],
  hasToken: boolean,
): OddsmithError {
  const near = known.length === 0
    ? "check the spelling"
    : suggest(reference.id, known, `repositories of ${reference.id.split("/")[0]}`);
  const token = hasToken ? "the token may not see it" : "a private one needs HF_TOKEN";
  return hubError(
    "REPO_NOT_FOUND",
    `Cannot find "${reference.text}": the hub has no ${reference.type} "${reference.id}"`,
    `${near}; ${token}; for a folder, write "./${reference.id}"`,
  );
}

/** A repository without that revision. */
export function revisionNotFound(
  reference: HubReference,
  known: readonly string[],
): OddsmithError {
  return hubError(
    "REVISION_NOT_FOUND",
    `Cannot find "${reference.text}": "${reference.id}" has no revision "${reference.revision}"`,
    known.length === 0
      ? "give a branch, a tag or a commit of the repository"
      : suggest(reference.revision, known, "branches and tags"),
  );
}

/** A file that the hub listed and does not give. */
export function fileNotFound(reference: HubReference, path: string): OddsmithError {
  return hubError(
    "FILE_NOT_FOUND",
    `Cannot download "${path}" of "${reference.text}": the hub does not have it`,
    "the repository changed meanwhile: run again",
  );
}

/** A repository whose terms have not been accepted. */
export function gated(reference: HubReference, page: string, hasToken: boolean): OddsmithError {
  return hubError(
    "GATED",
    `Cannot download "${reference.text}": its owner grants access on request`,
    `ask for access at ${page}` +
      (hasToken ? " with the account of the token" : ", then set HF_TOKEN to a token of yours"),
  );
}

/** A token that is not accepted, or that lacks a right. */
export function unauthorized(
  reference: HubReference,
  status: number,
  hasToken: boolean,
): OddsmithError {
  return hubError(
    "UNAUTHORIZED",
    `Cannot download "${reference.text}": the hub refused access (${status})`,
    hasToken
      ? "check that the token is valid and may read this repository"
      : "set HF_TOKEN to a token that may read this repository",
  );
}

/** An answer outside of what the hub's interface promises. */
export function badAnswer(url: string | URL, reason: string, cause?: unknown): OddsmithError {
  return hubError(
    "BAD_ANSWER",
    `Cannot use the answer of ${shownUrl(url)}: ${reason}`,
    "check that HF_ENDPOINT is a hub",
    cause,
  );
}

/** Content that is not what the hub says it is; it has been removed. */
export function checksumMismatch(
  reference: HubReference,
  path: string,
  expected: string,
  received: string,
): OddsmithError {
  return hubError(
    "CHECKSUM_MISMATCH",
    `Cannot use "${path}" of "${reference.text}": expected ${expected}, received ${received}`,
    "the file was damaged on its way and has been removed: run again",
  );
}

/** A disk without room for what is to be downloaded. */
export function diskFull(dir: string, needed: string, cause?: unknown): OddsmithError {
  return hubError(
    "DISK_FULL",
    `Cannot download to ${dir}: no space is left on the disk (${needed})`,
    "free some space, or set HF_HOME to a folder on another disk; " +
      "what was downloaded is kept and the next run goes on from there",
    cause,
  );
}

/** A cache folder that may not be written. */
export function cacheNotWritable(dir: string, cause: unknown): OddsmithError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return hubError(
    "CACHE_NOT_WRITABLE",
    `Cannot write to the hub's cache ${dir}: ${reason}`,
    "set HF_HOME to a folder that may be written, and give Deno --allow-write for it",
    cause,
  );
}
