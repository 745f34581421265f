/**
 * Puts an export where its user wants it: whole or not at all, and never over what is not an earlier
 * export's. What an export wrote, it lists in a file of its own, so that the next one knows.
 */

import { basename, dirname, join, relative, resolve } from "@std/path";
import { syncDir, temporaryName, writeFileAtomic } from "../../base/atomic.ts";
import { exportDiskFull, forbiddenTarget, targetExists } from "./errors.ts";

/** The list of an export's files. */
export const EXPORT_LIST = "oddsmith_export.json";

/** Where an export goes. */
export interface Placement {
  /** Absolute: a folder, or a file where `isFile`. */
  readonly target: string;
  /** The model that is exported, where it is known: nothing is written over or into these. */
  readonly model?: readonly string[];
  /** Replaces what is there, whatever it is. Default false. */
  readonly force?: boolean;
  /** The target is one file; the export's folder has it under the same name. Default false. */
  readonly isFile?: boolean;
}

/**
 * Checks that an export may go where it is to go; before any work.
 *
 * @throws {OddsmithError} ExportError TARGET_EXISTS or BAD_TARGET.
 */
export async function checkPlacement(placement: Placement): Promise<void> {
  const { target, model = [], force, isFile } = placement;
  if (isInside(Deno.cwd(), target)) throw forbiddenTarget(target, "it holds the working directory");
  for (const path of model) {
    if (isInside(path, target)) throw forbiddenTarget(target, "it holds the model");
    if (isInside(target, path)) throw forbiddenTarget(target, "it lies in the model's folder");
  }
  const info = await Deno.lstat(target).catch(() => undefined);
  if (!info || force) return;
  if (isFile) throw targetExists(target, "there is such a file");
  if (!info.isDirectory) throw targetExists(target, "there is a file of that name");
  const foreign = await foreignFile(target);
  if (foreign !== undefined) {
    throw targetExists(target, `the folder holds "${foreign}", which no export wrote as it is`);
  }
}

/**
 * Fills a new folder beside the target and puts it, or its one file, in the target's place.
 *
 * @throws {OddsmithError} As `checkPlacement`; ExportError DISK_FULL; whatever `fill` throws. Nothing
 * is left then, and what was at the target stays.
 */
export async function placeExport<T>(
  placement: Placement,
  fill: (dir: string) => Promise<T>,
): Promise<T> {
  await checkPlacement(placement);
  const { target, isFile } = placement;
  return await inFolderBeside(target, async (temporary) => {
    const result = await fill(temporary);
    await syncFiles(temporary);
    const from = isFile ? join(temporary, basename(target)) : temporary;
    await putInPlace(from, target);
    return result;
  });
}

/**
 * Runs `use` with a new folder beside the target, and removes it, unless it was put elsewhere.
 *
 * @throws {OddsmithError} ExportError DISK_FULL; whatever `use` throws.
 */
export async function inFolderBeside<T>(
  target: string,
  use: (dir: string) => Promise<T>,
): Promise<T> {
  const temporary = temporaryName(target);
  try {
    await Deno.mkdir(temporary, { recursive: true });
    return await use(temporary);
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw code === "ENOSPC" || code === "EDQUOT" ? exportDiskFull(target, error) : error;
  } finally {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
}

/** Flushes what was written, so that no name is given to what a power cut would empty. */
async function syncFiles(dir: string): Promise<void> {
  for (const [path] of await filesIn(dir)) {
    using file = await Deno.open(join(dir, path), { read: true, write: true });
    await file.sync();
  }
  await syncDir(dir);
}

async function putInPlace(from: string, target: string): Promise<void> {
  const isThere = await Deno.lstat(target).then(() => true, () => false);
  const aside = temporaryName(target);
  if (isThere) await Deno.rename(target, aside);
  try {
    await Deno.rename(from, target);
  } catch (error) {
    if (isThere) await Deno.rename(aside, target);
    throw error;
  }
  await syncDir(dirname(target));
  if (isThere) await Deno.remove(aside, { recursive: true });
}

/** Lists an export's files in its folder, for `checkPlacement`. */
export async function listExport(dir: string, facts: Record<string, unknown>): Promise<void> {
  const files = Object.fromEntries(await filesIn(dir));
  const text = JSON.stringify({ ...facts, files }, null, 2) + "\n";
  await writeFileAtomic(join(dir, EXPORT_LIST), text);
}

/** A file of a folder that its list does not name with that size; undefined where there is none. */
async function foreignFile(dir: string): Promise<string | undefined> {
  const files = await filesIn(dir);
  const listed = await Deno.readTextFile(join(dir, EXPORT_LIST))
    .then((text) => JSON.parse(text)?.files ?? {})
    .catch(() => ({}));
  const isOwn = ([path, size]: [string, number]) => path === EXPORT_LIST || listed[path] === size;
  const isListed = files.some(([path]) => path === EXPORT_LIST);
  return files.find((file) => !isListed || !isOwn(file))?.[0];
}

/** Paths within a folder, with "/", and sizes; sorted. Links count as files of no size. */
async function filesIn(dir: string): Promise<[string, number][]> {
  const files: [string, number][] = [];
  const visit = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = join(folder, name);
      if (isDirectory) await visit(path);
      else {
        const { size, isFile } = await Deno.lstat(path);
        files.push([relative(dir, path).replaceAll("\\", "/"), isFile ? size : -1]);
      }
    }
  };
  await visit(dir);
  return files.sort(([a], [b]) => a < b ? -1 : 1);
}

/** Whether `path` is `dir` or lies in it. */
function isInside(path: string, dir: string): boolean {
  const way = relative(resolve(dir), resolve(path));
  return way === "" || (way !== ".." && !/^\.\.[/\\]/.test(way) && resolve(way) !== way);
}
