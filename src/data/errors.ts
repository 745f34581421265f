/**
 * The errors of the data layer. Each names the file and, where there is one, the row (data rows
 * count from 1; a header is no row). No message quotes a row's text: data may be private or harmful.
 */

import { format as formatBytes } from "@std/fmt/bytes";
import { dirname } from "@std/path";
import { type ErrorLocation, OddsmithError } from "../base/error.ts";
import { suggest } from "../base/suggest.ts";

function dataError(
  code: string,
  message: string,
  location?: ErrorLocation,
  hint?: string,
  cause?: unknown,
): OddsmithError {
  return new OddsmithError("DataError", code, message, { location, hint, cause });
}

/** A source that is not there. */
export function sourceMissing(path: string, neighbours: readonly string[]): OddsmithError {
  const name = path.slice(dirname(path).length).replace(/^[/\\]/, "");
  return dataError(
    "SOURCE_MISSING",
    `Cannot read "${path}": no such file or folder`,
    undefined,
    suggest(name, neighbours.slice(0, 20), "files in that folder"),
  );
}

/** A source that is there but that the system refuses to open or read. */
export function sourceUnreadable(path: string, cause: unknown): OddsmithError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return dataError(
    "SOURCE_UNREADABLE",
    `Cannot read "${path}": ${why}`,
    { file: path },
    undefined,
    cause,
  );
}

/** A glob or a folder that gives no file. */
export function noFiles(path: string, what: "glob" | "folder"): OddsmithError {
  return what === "glob"
    ? dataError(
      "NO_FILES",
      `Cannot read "${path}": the pattern matches no file`,
      undefined,
      "`*` stays within a folder, `**/` crosses folders",
    )
    : dataError(
      "NO_FILES",
      `Cannot read "${path}": the folder has no .json, .jsonl, .csv, .tsv or .parquet file`,
      undefined,
      "name the files themselves, with `format` where their names do not tell it",
    );
}

/** A dataset repository without the files that are wanted of it. */
export function noRepositoryFiles(
  repository: string,
  wanted: string | undefined,
  known: readonly string[],
): OddsmithError {
  const some = known.slice(0, 20);
  return wanted === undefined
    ? dataError(
      "NO_FILES",
      `Cannot read "${repository}": it has no .json, .jsonl, .csv, .tsv or .parquet file`,
      undefined,
      "a repository whose data a script makes has them in its Parquet conversion: " +
        "owner/name@refs/convert/parquet",
    )
    : dataError(
      "NO_FILES",
      `Cannot read "${repository}": no file of it is of ${wanted}`,
      undefined,
      suggest(wanted.replace(/^split "(.*)"$/, "$1"), some, "it has"),
    );
}

/** A dataset repository of several splits of which none is plainly the one to train on. */
export function splitUnclear(repository: string, splits: readonly string[]): OddsmithError {
  return dataError(
    "SPLIT_UNCLEAR",
    `Cannot choose what to read of "${repository}": it has ${splits.slice(0, 20).join(", ")}`,
    undefined,
    `name one: source: { path: ${repository}, split: ${splits[0]} }, or files by a glob: files`,
  );
}

/** `split` or `files` for data that is no repository. */
export function notARepository(path: string, option: string): OddsmithError {
  return dataError(
    "NOT_A_REPOSITORY",
    `Cannot read "${path}": \`${option}\` is for datasets of the hub, this is a path`,
    undefined,
    "name the files themselves, by a path or a glob",
  );
}

/** A file whose name does not tell its format. */
export function unknownFormat(file: string): OddsmithError {
  return dataError(
    "UNKNOWN_FORMAT",
    "Cannot tell the file's format from its name",
    { file },
    "set `format` to json, jsonl, csv, tsv or parquet",
  );
}

/** A Parquet file inside gzip or zstd, which cannot be read from its end. */
export function compressedParquet(file: string): OddsmithError {
  return dataError(
    "COMPRESSED_PARQUET",
    "Cannot read a Parquet file that is compressed as a whole",
    { file },
    "decompress it; Parquet compresses its own pages",
  );
}

/** Compressed data that ends too early or fails its checks. */
export function corruptCompression(
  file: string,
  method: "gzip" | "zstd",
  row: number,
  cause: unknown,
): OddsmithError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return dataError(
    method === "gzip" ? "BAD_GZIP" : "BAD_ZSTD",
    `Cannot decompress the ${method} data${row === 0 ? "" : ` after row ${row}`}: ${why}`,
    row === 0 ? { file } : { file, row },
    "the file is truncated or damaged; fetch it again",
    cause,
  );
}

/** Bytes that are not UTF-8. */
export function badUtf8(file: string, row: number, line?: number): OddsmithError {
  const where = line === undefined ? "" : ` (line ${line})`;
  return dataError(
    "BAD_UTF8",
    `Cannot read row ${row}${where}: its bytes are not UTF-8`,
    { file, row },
    "convert the file to UTF-8",
  );
}

/** A file in UTF-16. */
export function utf16(file: string): OddsmithError {
  return dataError(
    "BAD_UTF8",
    "Cannot read the file: it is UTF-16",
    { file },
    "convert the file to UTF-8",
  );
}

/** A text row that its format does not allow. */
export function malformedRow(
  format: "JSON" | "CSV",
  file: string,
  row: number,
  line: number | undefined,
  reason: string,
): OddsmithError {
  const where = line === undefined ? "" : ` (line ${line})`;
  return dataError(
    `BAD_${format}`,
    `Cannot read row ${row}${where}: malformed ${format}: ${reason}`,
    { file, row },
  );
}

/** A header that names two columns alike. */
export function repeatedColumn(file: string, column: string): OddsmithError {
  return dataError(
    "BAD_CSV",
    `Cannot read the header: two columns are named "${column}"`,
    { file },
    "give each column a name of its own",
  );
}

/** A row that is longer than a row can be. */
export function rowTooLong(file: string, row: number, maxBytes: number): OddsmithError {
  return dataError(
    "ROW_TOO_LONG",
    `Cannot read row ${row}: it is longer than ${formatBytes(maxBytes, { binary: true })}`,
    { file, row },
    "the file is damaged, or its lines do not end with a line feed",
  );
}

/** A Parquet file that cannot be decoded. */
export function corruptParquet(file: string, row: number, cause: unknown): OddsmithError {
  // What the engine says of a decoder that went astray tells nobody what is wrong with the file.
  const isAstray = cause instanceof TypeError || cause instanceof RangeError;
  const why = isAstray || !(cause instanceof Error)
    ? "its bytes do not fit together"
    : cause.message;
  return dataError(
    "BAD_PARQUET",
    row === 0
      ? `Cannot read the Parquet file: ${why}`
      : `Cannot read the Parquet row group that starts at row ${row}: ${why}`,
    row === 0 ? { file } : { file, row },
    "the file is truncated, damaged or no Parquet file",
    cause,
  );
}

/** Columns in which no dataset type is recognised. */
export function unknownType(file: string, row: number, columns: readonly string[]): OddsmithError {
  return dataError(
    "UNKNOWN_TYPE",
    `Cannot tell the dataset type: expected "chosen" and "rejected" beside a prompt, received ${
      columns.length === 0 ? "no columns" : columns.map((name) => `"${name}"`).join(", ")
    }`,
    { file, row },
    "map your columns: `columns: { prompt: ..., chosen: ..., rejected: ... }`, or set `type`",
  );
}

/** A data set of single judged answers. */
export function unpaired(file: string, row: number): OddsmithError {
  return dataError(
    "UNPAIRED",
    "Cannot use unpaired preferences (prompt, completion, label): ORPO needs a chosen and a " +
      "rejected answer to the same prompt in one row",
    { file, row },
    "join each prompt's liked and disliked completions into rows {prompt, chosen, rejected}",
  );
}

/** A column that the configuration or the dataset type asks for and the file lacks. */
export function columnMissing(
  file: string,
  row: number,
  column: string,
  asked: string,
  columns: readonly string[],
): OddsmithError {
  return dataError(
    "COLUMN_MISSING",
    `Cannot find the column "${column}", asked for by ${asked}`,
    { file, row },
    suggest(column, columns, "columns"),
  );
}

/** The first bad row under `onBadRow: raise`. */
export function badRow(
  file: string,
  row: number,
  reason: string,
  detail: string,
  more: number,
): OddsmithError {
  return dataError(
    "BAD_ROW",
    `Cannot use a row: ${detail} (${reason})${more > 0 ? `; ${more} more bad rows follow` : ""}`,
    { file, row },
    "mend the data, or set `onBadRow: drop` to leave such rows out and count them",
  );
}

/** A training prompt that is also held out, under `onLeakage: raise`. */
export function leakage(file: string, row: number, more: number): OddsmithError {
  return dataError(
    "LEAKAGE",
    `Cannot train on a prompt of the evaluation source${
      more > 0 ? `; ${more} more rows leak` : ""
    }`,
    { file, row },
    "set `onLeakage: drop` to leave such rows out of training",
  );
}

/** Sources without a single row. */
export function emptyData(files: readonly string[]): OddsmithError {
  return dataError(
    "EMPTY",
    "Cannot make a data set: the source holds no rows",
    files[0] === undefined ? undefined : { file: files[0] },
    files.length > 1 ? `${files.length} files were read` : undefined,
  );
}

/** Sources all of whose rows were dropped. */
export function allDropped(rows: number, reasons: string, location: ErrorLocation): OddsmithError {
  return dataError(
    "ALL_DROPPED",
    `Cannot make a data set: all ${rows} rows were dropped: ${reasons}`,
    location,
    "the place named is the first of them; check `type` and `columns`",
  );
}

/** A split that got every row, so that nothing is left to train on. */
export function noTrainingRows(kept: number): OddsmithError {
  return dataError(
    "NO_TRAINING_ROWS",
    `Cannot make a data set: no row is left for training, ${kept} were held out`,
    undefined,
    "lower `evalFraction`, change `splitSalt`, or give more data",
  );
}
