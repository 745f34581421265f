/**
 * Which files of a dataset repository are read: by a glob, by the name of a split, or, where
 * nothing is said, the training data. Works on paths alone.
 *
 * A file's split is told by its name without shard number and endings ("data/train-00000-of-00002
 * .parquet" is of "train"), or by a folder it is in.
 */

import { basename, globToRegExp, isGlob } from "@std/path";
import { formatOfName } from "./data_file.ts";
import { noRepositoryFiles, splitUnclear } from "./errors.ts";

/** What is wanted of a repository; at most one of both. */
export interface FileChoice {
  /** A path in the repository: of a file, of a folder, or a glob. */
  readonly files?: string | undefined;
  /** A split's name. */
  readonly split?: string | undefined;
}

/** JSON files that describe a dataset and hold no rows of it. */
const DESCRIPTIONS =
  /^(dataset_infos?|dataset_dict|state|metadata|config|croissant)\.json$|^\.|^README/i;
const HELD_OUT = ["test", "testing", "validation", "valid", "val", "dev", "eval", "evaluation"];

/**
 * Chooses files, sorted by path.
 *
 * @param text The repository as its user wrote it, for messages.
 * @throws {OddsmithError} DataError NO_FILES, SPLIT_UNCLEAR.
 */
export function chooseDataFiles(
  text: string,
  paths: readonly string[],
  { files, split }: FileChoice,
): string[] {
  const readable = paths.filter(isDataFile).sort();
  const chosen = files !== undefined
    ? matching(paths, files).sort()
    : split !== undefined
    ? ofSplit(readable, split)
    : trainingFiles(text, readable);
  if (chosen.length > 0) return chosen;
  const what = files ?? (split === undefined ? undefined : `split "${split}"`);
  throw noRepositoryFiles(text, what, files === undefined ? splitNames(readable) : readable);
}

function isDataFile(path: string): boolean {
  return formatOfName(path) !== undefined && !DESCRIPTIONS.test(basename(path));
}

/** A glob and a folder give the files whose names tell a format, a file itself whatever its name. */
function matching(paths: readonly string[], wanted: string): string[] {
  if (paths.includes(wanted)) return [wanted];
  const pattern = isGlob(wanted)
    ? globToRegExp(wanted, { extended: true, globstar: true })
    : undefined;
  return paths.filter((path) =>
    isDataFile(path) && (pattern?.test(path) ?? path.startsWith(`${wanted}/`))
  );
}

function ofSplit(paths: readonly string[], split: string): string[] {
  const exact = paths.filter((path) => namesOf(path).includes(split));
  return exact.length > 0 ? exact : paths.filter((path) => mentions(path, split));
}

function trainingFiles(text: string, paths: readonly string[]): string[] {
  const train = paths.filter((path) => namesOf(path).includes("train"));
  if (train.length > 0) return train;
  const isHeldOut = (path: string) => HELD_OUT.some((name) => mentions(path, name));
  const rest = paths.filter((path) => !isHeldOut(path));
  if (rest.length === paths.length) return rest;
  const splits = splitNames(paths);
  if (splitNames(rest).length !== 1) throw splitUnclear(text, splits);
  return rest;
}

function splitNames(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => stemOf(path)))].sort();
}

/** What may be a split's name in a path: the file's, and its folders'. */
function namesOf(path: string): string[] {
  return [stemOf(path), ...path.split("/").slice(0, -1)];
}

/** A file's name without compression, format and shard number. */
function stemOf(path: string): string {
  return basename(path)
    .replace(/\.(gz|gzip|zst|zstd)$/i, "")
    .replace(/\.[^.]+$/, "")
    .replace(/-\d+-of-\d+(-[0-9a-f]{16})?$/, "");
}

/** Whether a path has a name as a word of its own. */
function mentions(path: string, name: string): boolean {
  return path.split(/[^A-Za-z0-9]+/).includes(name);
}
