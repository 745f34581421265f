/**
 * Downloads one file of a commit into the cache: resumed where an earlier attempt stopped, checked,
 * one process at a time.
 */

import { setTimeout as wait } from "node:timers/promises";
import { dirname } from "@std/path";
import { tryFileLock } from "../base/file_lock.ts";
import { isFile, type RepoCache } from "./cache.ts";
import type { HubClient, OpenAnswer } from "./client.ts";
import { badAnswer, checksumMismatch } from "./errors.ts";
import type { HubFile } from "./listing.ts";
import { PartialFile } from "./partial_file.ts";
import type { HubReference } from "./reference.ts";
import { Transient } from "./retry.ts";

/** What is downloaded, and for whom. */
export interface DownloadJob {
  readonly reference: HubReference;
  /** The commit that `reference` stands for. */
  readonly commit: string;
  /** Of the file in the repository. */
  readonly path: string;
  readonly file: HubFile;
  /** Told how many bytes of the file are there; less than before where it had to start again. */
  readonly onBytes: (bytes: number) => void;
  /** Told once if another process is downloading the same content. */
  readonly onWait: (path: string) => void;
}

const LOCK_POLL_MS = 100;

/**
 * Makes sure that a file of a commit is in the cache.
 *
 * @throws {OddsmithError} HubError CHECKSUM_MISMATCH, DISK_FULL, UNREACHABLE, FILE_NOT_FOUND, GATED,
 *   UNAUTHORIZED, NET_DENIED, BAD_ANSWER.
 */
export async function downloadFile(
  client: HubClient,
  cache: RepoCache,
  job: DownloadJob,
): Promise<void> {
  const { commit, path, file } = job;
  const blob = cache.blobPath(file.etag);
  await Deno.mkdir(dirname(blob), { recursive: true });
  using _lock = await waitForLock(client, await cache.lockPath(file.etag), job);
  if (!await cache.has(commit, path)) {
    const isNew = !await isFile(blob);
    if (isNew) await downloadBlob(client, blob, job);
    await cache.place(commit, path, file, isNew);
  }
  job.onBytes(file.sizeBytes);
}

/** Waits for a lock; undefined where the file system has none: the checksum then has to do. */
async function waitForLock(
  { signal }: HubClient,
  path: string,
  job: DownloadJob,
): Promise<Deno.FsFile | undefined> {
  for (let isFirst = true;; isFirst = false) {
    signal.throwIfAborted();
    let lock: Deno.FsFile | undefined;
    try {
      lock = await tryFileLock(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotSupported || hasCode(error, "ENOLCK")) return undefined;
      throw error;
    }
    if (lock !== undefined) return lock;
    if (isFirst) job.onWait(job.path);
    await wait(LOCK_POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

function hasCode(error: unknown, code: string): boolean {
  return (error as { code?: unknown } | null)?.code === code;
}

async function downloadBlob(client: HubClient, blob: string, job: DownloadJob): Promise<void> {
  // A part that an earlier process left may be damaged: it gets one more chance from nothing.
  for (let chances = 2; chances > 0; chances--) {
    using partial = await PartialFile.open(blob, job.file);
    const wasBegun = partial.size > 0;
    job.onBytes(partial.size);
    let best = partial.size;
    await client.retry(async () => {
      while (partial.size < job.file.sizeBytes) {
        await appendRest(client, partial, job);
        best = Math.max(best, partial.size);
      }
    }, { progress: () => best = Math.max(best, partial.size) });
    const { isRight, expected, received } = await partial.seal();
    if (isRight) return;
    if (!wasBegun || chances === 1) {
      throw checksumMismatch(job.reference, job.path, expected, received);
    }
  }
}

/** One request for what is missing; its answer may bring all of it, or be cut off. */
async function appendRest(
  client: HubClient,
  partial: PartialFile,
  job: DownloadJob,
): Promise<void> {
  const { reference, path, file } = job;
  const url = fileUrl(client.settings.endpoint, job);
  const headers = new Headers();
  if (partial.size > 0) headers.set("range", `bytes=${partial.size}-`);
  const answer = await client.open(url, { reference, path }, headers);
  checkEtag(url, answer, job);
  await fitToAnswer(partial, answer, job);
  for await (const chunk of answer.chunks()) {
    if (partial.size + chunk.length > file.sizeBytes) {
      await partial.restart();
      const received = `more than ${file.sizeBytes} bytes`;
      throw checksumMismatch(reference, path, `${file.sizeBytes} bytes`, received);
    }
    await partial.append(chunk);
    job.onBytes(partial.size);
  }
  if (partial.size < file.sizeBytes) {
    const reason = `the connection ended after ${partial.size} of ${file.sizeBytes} bytes`;
    throw new Transient(new URL(url).host, reason);
  }
}

/** Starts the file again where the answer does not go on where it ends. */
async function fitToAnswer(
  partial: PartialFile,
  { response, chunks }: OpenAnswer,
  { file, onBytes }: DownloadJob,
): Promise<void> {
  const { status, headers } = response;
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  const continues = status === 206 && range !== null && Number(range[1]) === partial.size &&
    (range[2] === "*" || Number(range[2]) === file.sizeBytes);
  if (continues || (status === 200 && partial.size === 0)) return;
  await partial.restart();
  onBytes(0);
  if (status === 200) return;
  await chunks().return(undefined);
  await response.body?.cancel();
  throw new Transient(new URL(response.url).host, `it gave no rest of the file (${status})`);
}

/** The endpoint announces the checksum of what it redirects to. */
function checkEtag(url: string, { etag }: OpenAnswer, { file }: DownloadJob): void {
  const announced = etag?.replace(/^W\//, "").replaceAll('"', "");
  if (announced !== undefined && announced !== file.etag) {
    throw badAnswer(url, `it announces ${announced}, its listing said ${file.etag}`);
  }
}

function fileUrl(endpoint: string, { reference, commit, path }: DownloadJob): string {
  const prefix = reference.type === "dataset" ? "datasets/" : "";
  const name = path.split("/").map(encodeURIComponent).join("/");
  return `${endpoint}/${prefix}${reference.id}/resolve/${commit}/${name}`;
}
