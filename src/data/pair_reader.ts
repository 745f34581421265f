/** From a file's rows to pairs: the file's dataset type is found once, then every row is read by it. */

import type { DataFile, RawRow, ReadOptions } from "./data_file.ts";
import { columnMissing, unknownType, unpaired } from "./errors.ts";
import { readRows } from "./formats/read_rows.ts";
import { readTools } from "./messages.ts";
import { RowFault } from "./row_fault.ts";
import type { DatasetType, PairContent } from "./types/dataset_type.ts";
import { DATASET_TYPES, type DatasetTypeName, detectType } from "./types/detect.ts";
import {
  type ColumnMap,
  pickFields,
  resolveColumns,
  type ResolvedColumns,
  sampleRow,
} from "./types/fields.ts";
import { checkContent } from "./validate.ts";

/** What is known of a file's rows beforehand. */
export interface RowShape {
  /** Default: told by the columns of the first rows. */
  type?: DatasetTypeName;
  /** Default: the usual names. */
  columns?: ColumnMap;
}

/** A row as a pair's content, or why it is none. */
export type ReadPair =
  | { readonly row: number; readonly content: PairContent }
  | { readonly row: number; readonly fault: RowFault };

/** A batch of rows read, with the dataset type of their file. */
export interface PairBatch {
  /** Of the whole file. */
  readonly type: DatasetTypeName;
  /** In the order of the rows. */
  readonly pairs: readonly ReadPair[];
}

/**
 * Reads a file's pairs in batches. One file is of one type: rows that are not come out as faults.
 *
 * @throws DataError UNKNOWN_TYPE, UNPAIRED, COLUMN_MISSING; those of `readRows`.
 */
export async function* readPairs(
  file: DataFile,
  shape: RowShape,
  options: ReadOptions,
): AsyncGenerator<PairBatch> {
  let known: { type: DatasetTypeName; columns: ResolvedColumns } | undefined;
  for await (const rows of readRows(file, options)) {
    known ??= understand(file, rows, shape);
    const { type, columns } = known;
    yield { type, pairs: rows.map((row) => readPair(row, DATASET_TYPES[type], columns)) };
  }
}

function readPair({ row, value }: RawRow, type: DatasetType, columns: ResolvedColumns): ReadPair {
  try {
    const fields = pickFields(value, columns);
    const tools = readTools(fields.tools);
    const content = { ...type.convert(fields), ...(tools && { tools }) };
    checkContent(content);
    return { row, content };
  } catch (error) {
    if (!(error instanceof RowFault)) throw error;
    return { row, fault: error };
  }
}

function understand(
  file: DataFile,
  rows: readonly RawRow[],
  shape: RowShape,
): { type: DatasetTypeName; columns: ResolvedColumns } {
  const place = { file: file.name, row: rows[0]!.row };
  const sample = sampleRow(rows.map((row) => row.value));
  const names = Object.keys(sample);
  const columns = resolveColumns(sample, shape.columns ?? {}, place);
  const answers = columns.chosen !== undefined || columns.rejected !== undefined;
  if (!answers && names.includes("completion") && names.includes("label")) {
    throw unpaired(place.file, place.row);
  }
  const type = shape.type ?? detectType(sample, columns);
  if (type === undefined) throw unknownType(place.file, place.row, names);
  for (const field of DATASET_TYPES[type].requires) {
    if (columns[field] === undefined) {
      throw columnMissing(place.file, place.row, field, `type "${type}"`, names);
    }
  }
  return { type, columns };
}
