/**
 * A pipeline file as data, whatever its format, with the place of everything in it. Reads and
 * decodes; gives what it reads no meaning.
 */

import { basename, dirname, extname, relative } from "@std/path";
import type { ErrorLocation } from "../../base/error.ts";
import {
  badUtf8,
  fileIsFolder,
  fileMissing,
  fileUnreadable,
  unknownFormat,
} from "./load_errors.ts";

/** Keys and indexes from the top of a file to a value. */
export type NodePath = readonly (string | number)[];

/** A pipeline's data and where each part of it was written. */
export interface PipelineSource {
  /** Absolute; absent for a pipeline built in memory. */
  readonly file?: string;
  /** What the file says, as plain data. */
  readonly value: unknown;
  /**
   * Where a value, or the key it has in its map, is written; the nearest enclosing value where the
   * path leads nowhere.
   */
  place(path: NodePath, part?: "key" | "value"): ErrorLocation | undefined;
}

/** The formats a pipeline file can have. */
export type PipelineFormat = "YAML" | "JSON" | "module";

const FORMATS: Readonly<Record<string, PipelineFormat>> = {
  ".yaml": "YAML",
  ".yml": "YAML",
  ".json": "JSON",
  ".ts": "module",
  ".mts": "module",
  ".js": "module",
  ".mjs": "module",
};

/**
 * The format a file's name asks for.
 *
 * @throws {OddsmithError} UNKNOWN_FORMAT.
 */
export function pipelineFormat(file: string, cwd: string): PipelineFormat {
  const extension = extname(file).toLowerCase();
  const format = FORMATS[extension];
  if (format === undefined) throw unknownFormat(shownPath(file, cwd), extension);
  return format;
}

/** A path as messages show it: from the working directory where the file is under it. */
export function shownPath(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === "" || path.startsWith("..") ? file : path;
}

/**
 * Checks that a pipeline file can be opened.
 *
 * @throws {OddsmithError} FILE_MISSING, FILE_IS_FOLDER or FILE_UNREADABLE.
 */
export async function checkFile(file: string, cwd: string): Promise<void> {
  const shown = shownPath(file, cwd);
  try {
    const info = await Deno.stat(file);
    if (info.isDirectory) throw fileIsFolder(shown, await pipelineFilesIn(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      throw fileMissing(shown, await pipelineFilesIn(dirname(file)), basename(file));
    }
    throw ioError(error) ? fileUnreadable(shown, error) : error;
  }
}

/**
 * Reads a pipeline file's text.
 *
 * @throws {OddsmithError} FILE_UNREADABLE or BAD_UTF8 (with line and column).
 */
export async function readPipelineText(file: string, cwd: string): Promise<string> {
  const shown = shownPath(file, cwd);
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(file);
  } catch (error) {
    throw fileUnreadable(shown, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const { byte, line, column } = firstBadByte(bytes);
    throw badUtf8(byte, { file: shown, line, column });
  }
}

function ioError(error: unknown): boolean {
  return error instanceof Error && Object.values(Deno.errors).some((kind) => error instanceof kind);
}

async function pipelineFilesIn(dir: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(dir)) {
      if (entry.isFile && extname(entry.name).toLowerCase() in FORMATS) names.push(entry.name);
    }
  } catch {
    // The folder is missing too: there is nothing to suggest.
  }
  return names.sort();
}

/** Finds the first character that breaks off or cannot start: its first byte, line and column. */
function firstBadByte(bytes: Uint8Array): { byte: number; line: number; column: number } {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  let column = 1;
  let start = 0;
  for (const [at, byte] of bytes.entries()) {
    let text: string;
    try {
      text = decoder.decode(Uint8Array.of(byte), { stream: true });
    } catch {
      break;
    }
    if (text === "") continue;
    start = at + 1;
    column = text === "\n" ? 1 : column + text.length;
    if (text === "\n") line++;
  }
  return { byte: bytes[start]!, line, column };
}
