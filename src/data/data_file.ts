/** A file of rows, and what readers make of it. Types and the table of file name endings. */

import { unknownFormat } from "./errors.ts";

/** The formats rows are read from. */
export const FORMATS = ["json", "jsonl", "csv", "tsv", "parquet"] as const;

/** One of the formats. */
export type Format = typeof FORMATS[number];

/** One file to read. */
export interface DataFile {
  /** Absolute. */
  readonly path: string;
  /** As people know it (relative to the pipeline file where it can be); errors and pairs name it. */
  readonly name: string;
  /** How its rows are written. */
  readonly format: Format;
  /** As it lies on disk, compressed or not. */
  readonly sizeBytes: number;
}

/** A row as its file holds it: any value, decoded but not yet understood. */
export interface RawRow {
  /** Counts data rows from 1. */
  readonly row: number;
  /** Of any JSON type. */
  readonly value: unknown;
}

/** What every reader takes. */
export interface ReadOptions {
  /** Stops reading with its reason. */
  signal?: AbortSignal;
  /** Told how many more bytes of the file (as it lies on disk) have been read. */
  onBytes?: (count: number) => void;
}

const ENDINGS: ReadonlyArray<readonly [string, Format]> = [
  [".jsonl", "jsonl"],
  [".ndjson", "jsonl"],
  [".json", "json"],
  [".csv", "csv"],
  [".tsv", "tsv"],
  [".parquet", "parquet"],
];

/** The format a file's name tells, endings of compression (.gz, .zst) aside. */
export function formatOfName(name: string): Format | undefined {
  const bare = name.toLowerCase().replace(/\.(gz|gzip|zst|zstd)$/, "");
  return ENDINGS.find(([ending]) => bare.endsWith(ending))?.[1];
}

/**
 * The format given, or else the one the name tells.
 *
 * @throws DataError UNKNOWN_FORMAT where neither says.
 */
export function chooseFormat(name: string, given: Format | undefined): Format {
  const format = given ?? formatOfName(name);
  if (format === undefined) throw unknownFormat(name);
  return format;
}
