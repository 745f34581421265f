/** The one way to a file's rows, whatever its format. */

import type { DataFile, Format, RawRow, ReadOptions } from "../data_file.ts";
import { readCsv } from "./csv.ts";
import { readJson } from "./json.ts";
import { readJsonl } from "./jsonl.ts";
import { readParquet } from "./parquet/read.ts";

const READERS: Readonly<
  Record<Format, (file: DataFile, options?: ReadOptions) => AsyncGenerator<RawRow[]>>
> = { json: readJson, jsonl: readJsonl, csv: readCsv, tsv: readCsv, parquet: readParquet };

/**
 * Reads a file's rows in batches, in the file's order, in flat memory.
 *
 * @throws DataError where the file cannot be read or is damaged; see the readers.
 */
export function readRows(file: DataFile, options: ReadOptions = {}): AsyncGenerator<RawRow[]> {
  return READERS[file.format](file, options);
}
