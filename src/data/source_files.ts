/** From what a pipeline file calls a source - a file, a folder, a glob - to the files to read. */

import { basename, dirname, globToRegExp, isGlob, join, relative } from "@std/path";
import { chooseFormat, type DataFile, type Format, formatOfName } from "./data_file.ts";
import { noFiles, sourceMissing, sourceUnreadable } from "./errors.ts";

/** How paths are read and named. */
export interface PathContext {
  /** An absolute path from a configured one. */
  resolvePath: (path: string) => string;
}

/**
 * Finds a source's files, sorted by name. A folder gives every file in it, and in the folders
 * below, whose name tells a format; a glob gives what it matches; names that begin with a dot are
 * passed over by both.
 *
 * @param format Overrides what file names tell.
 * @throws DataError SOURCE_MISSING, SOURCE_UNREADABLE, NO_FILES, UNKNOWN_FORMAT.
 */
export async function findFiles(
  path: string,
  format: Format | undefined,
  context: PathContext,
): Promise<DataFile[]> {
  const absolute = context.resolvePath(path);
  const info = await statOf(absolute);
  if (info?.isFile) return [await describe(absolute, format, context)];
  if (info?.isDirectory) {
    const found = (await walk(absolute)).filter((file) => formatOfName(file) !== undefined);
    if (found.length === 0) throw noFiles(path, "folder");
    return await Promise.all(found.map((file) => describe(file, format, context)));
  }
  if (!isGlob(path)) throw sourceMissing(path, await neighbours(absolute));
  const found = await expandGlob(path, context);
  if (found.length === 0) throw noFiles(path, "glob");
  return await Promise.all(found.map((file) => describe(file, format, context)));
}

async function describe(
  path: string,
  format: Format | undefined,
  context: PathContext,
): Promise<DataFile> {
  const name = relative(context.resolvePath("."), path).replaceAll("\\", "/");
  const info = await statOf(path);
  return { path, name, format: chooseFormat(name, format), sizeBytes: info?.size ?? 0 };
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw sourceUnreadable(path, error);
  }
}

async function neighbours(path: string): Promise<string[]> {
  const folder = dirname(path);
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (!entry.name.startsWith(".")) names.push(entry.name);
    }
  } catch {
    // The folder is missing too: there is nothing to suggest.
  }
  const wanted = basename(path).slice(0, 3).toLowerCase();
  const near = (name: string) => Number(!name.toLowerCase().startsWith(wanted));
  return names.sort((a, b) => near(a) - near(b) || (a < b ? -1 : 1));
}

async function expandGlob(path: string, context: PathContext): Promise<string[]> {
  const segments = path.replaceAll("\\", "/").split("/");
  const fixed = segments.findIndex((segment) => isGlob(segment));
  const base = context.resolvePath(segments.slice(0, fixed).join("/") || (fixed > 0 ? "/" : "."));
  const pattern = globToRegExp(segments.slice(fixed).join("/"), { extended: true, globstar: true });
  if (!(await statOf(base))?.isDirectory) return [];
  const found = await walk(base);
  return found.filter((file) => pattern.test(relative(base, file).replaceAll("\\", "/")));
}

/** All files below a folder, sorted; links to files are followed, links to folders are not. */
async function walk(folder: string): Promise<string[]> {
  const files: string[] = [];
  const open = [folder];
  for (let next; (next = open.pop()) !== undefined;) {
    try {
      for await (const entry of Deno.readDir(next)) {
        if (entry.name.startsWith(".")) continue;
        const path = join(next, entry.name);
        if (entry.isDirectory) open.push(path);
        else if (entry.isFile || (await statOf(path))?.isFile) files.push(path);
      }
    } catch (error) {
      throw sourceUnreadable(next, error);
    }
  }
  return files.sort();
}
