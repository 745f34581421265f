/**
 * An artifact as files on disk: listing them, giving the folder its digest, and checking a stored
 * folder against what was written.
 *
 * Invariant: the digest depends on kind, version, relative paths and bytes alone, never on time,
 * place or permissions.
 */

import { join } from "@std/path";
import { sha256, sha256File } from "../../base/hash.ts";
import { canonicalJson } from "../../base/json.ts";
import { linkInOutput } from "../run/run_errors.ts";

/** One file of an artifact. */
export interface ArtifactFile {
  /** Relative, with "/" between folders. */
  readonly path: string;
  /** Its length. */
  readonly sizeBytes: number;
  /** Of its bytes, hex. */
  readonly sha256: string;
  /** Modification time when it was written; a file with another one is hashed before use. */
  readonly mtimeMs: number;
}

/** What an artifact folder's artifact.json says of it. */
export interface ArtifactInfo {
  /** Content digest (sha256, hex). */
  readonly digest: string;
  /** The artifact type's kind. */
  readonly kind: string;
  /** The artifact type's version. */
  readonly version: number;
  /** Of all files. */
  readonly sizeBytes: number;
  /** Sorted by path. */
  readonly files: readonly ArtifactFile[];
}

/** What checking an artifact found. */
export type ArtifactState =
  | { readonly state: "ok"; readonly refreshed?: ArtifactInfo }
  | { readonly state: "missing" }
  | { readonly state: "damaged"; readonly why: string };

/**
 * Lists a folder's files below it, sorted by path.
 *
 * @throws StageError OUTPUT_LINK if there is a symbolic link: what it points to may change.
 */
export async function listFiles(dir: string): Promise<string[]> {
  const found: string[] = [];
  const visit = async (below: string): Promise<void> => {
    for await (const entry of Deno.readDir(join(dir, below))) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isSymlink) throw linkInOutput(join(dir, path));
      if (entry.isDirectory) await visit(path);
      else found.push(path);
    }
  };
  await visit("");
  return found.sort();
}

/** Hashes and flushes a folder that was just filled, and makes its files read-only. */
export async function sealArtifact(
  dir: string,
  type: { kind: string; version: number },
): Promise<ArtifactInfo> {
  const files: ArtifactFile[] = [];
  for (const path of await listFiles(dir)) {
    const full = join(dir, path);
    // A file copied from the store is read-only as its original is. Windows and some mounts know
    // no modes; the digest guards the content in any case.
    await Deno.chmod(full, 0o644).catch(() => {});
    {
      using file = await Deno.open(full, { read: true, write: true });
      await file.sync();
    }
    await Deno.chmod(full, 0o444).catch(() => {});
    const info = await Deno.stat(full);
    const digest = await sha256File(full);
    files.push({ path, sizeBytes: info.size, sha256: digest, mtimeMs: modified(info) });
  }
  return {
    digest: artifactDigest(type, files),
    kind: type.kind,
    version: type.version,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    files,
  };
}

/** The content digest of an artifact: sha256 over its kind, version and sorted file list. */
function artifactDigest(
  type: { kind: string; version: number },
  files: readonly ArtifactFile[],
): string {
  return sha256(canonicalJson({
    kind: `${type.kind}@${type.version}`,
    files: files.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 })),
  }));
}

/**
 * Checks a folder against its record. The quick check compares names, sizes and times and hashes
 * only what has another time (after a copy of the store, say); `full` hashes every file.
 */
export async function checkArtifactFiles(
  dir: string,
  info: ArtifactInfo,
  full: boolean,
): Promise<ArtifactState> {
  const present = await listFiles(dir);
  const expected = new Set(info.files.map((file) => file.path));
  const extra = present.find((path) => !expected.has(path));
  if (extra !== undefined) return damaged(`"${extra}" does not belong to it`);
  if (artifactDigest(info, info.files) !== info.digest) return damaged("its file list was changed");
  const files: ArtifactFile[] = [];
  for (const file of info.files) {
    const path = join(dir, file.path);
    const stat = await Deno.stat(path).catch(() => undefined);
    if (!stat) return damaged(`"${file.path}" is missing`);
    if (stat.size !== file.sizeBytes) {
      return damaged(`"${file.path}" has ${stat.size} bytes instead of ${file.sizeBytes}`);
    }
    const mtimeMs = modified(stat);
    if ((full || mtimeMs !== file.mtimeMs) && await sha256File(path) !== file.sha256) {
      return damaged(`"${file.path}" has another content than was written`);
    }
    files.push({ ...file, mtimeMs });
  }
  const moved = files.some((file, i) => file.mtimeMs !== info.files[i]!.mtimeMs);
  return moved ? { state: "ok", refreshed: { ...info, files } } : { state: "ok" };
}

function damaged(why: string): ArtifactState {
  return { state: "damaged", why };
}

function modified(info: Deno.FileInfo): number {
  return info.mtime?.getTime() ?? 0;
}
