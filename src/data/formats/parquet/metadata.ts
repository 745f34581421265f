/**
 * A Parquet file's metadata, checked against the file's size and against itself before any page is
 * read.
 */

import {
  type ColumnMetaData,
  type FileMetaData,
  parquetMetadata,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { getPhysicalColumns, getTreePath } from "hyparquet/src/schema.js";
import { structEnd } from "./thrift.ts";

/** A column chunk: where it lies and what it is of. */
export interface ColumnChunk {
  readonly column: ColumnMetaData;
  /** From the schema's root to the column. */
  readonly path: SchemaTree[];
  /** First byte in the file, and the first after it. */
  readonly begin: number;
  readonly end: number;
}

/** A row group. */
export interface RowGroup {
  /** Of the file, from 0. */
  readonly rowStart: number;
  readonly rows: number;
  readonly chunks: readonly ColumnChunk[];
}

/** Metadata that was checked. */
export interface CheckedMetadata {
  readonly schema: SchemaTree;
  readonly groups: readonly RowGroup[];
}

/** Rows that a small file may hold: a column of one value takes no space. */
const FEWEST_ROWS = 1 << 20;

/** Most rows, or values a column, of a row group in a file of a size: a value takes a bit. */
export function mostValues(sizeBytes: number): number {
  return Math.max(FEWEST_ROWS, 8 * sizeBytes);
}

/**
 * Reads and checks the metadata.
 *
 * @param read Gives the bytes of the file from a place to another.
 * @throws Error that says what is wrong.
 */
export function readMetadata(
  sizeBytes: number,
  read: (begin: number, end: number) => ArrayBuffer,
): CheckedMetadata {
  const metadata = parquetMetadata(readFooter(sizeBytes, read), { geoparquet: false });
  const schema = parquetSchema(metadata);
  const names = schema.children.map(({ element }) => element.name);
  if (names.length === 0) throw new Error("it has no columns");
  if (new Set(names).size < names.length) throw new Error("two of its columns have one name");
  const leaves = getPhysicalColumns(schema);
  const groups: RowGroup[] = [];
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    if (!(rows >= 0 && rows <= mostValues(sizeBytes))) {
      throw new Error(`a row group claims ${rows} rows in a file of ${sizeBytes} bytes`);
    }
    const chunks = group.columns.map((chunk) => checkChunk(chunk, schema, sizeBytes));
    const names = chunks.map(({ column }) => column.path_in_schema.join("."));
    if (names.toSorted().join() !== leaves.toSorted().join()) {
      throw new Error("a row group has other columns than the schema");
    }
    groups.push({ rowStart, rows, chunks });
    rowStart += rows;
  }
  if (rowStart !== Number(metadata.num_rows)) {
    throw new Error(`its row groups hold ${rowStart} rows, its metadata says ${metadata.num_rows}`);
  }
  return { schema, groups };
}

const MAGIC = 0x31524150;
const TAIL_BYTES = 8;

/** The metadata's bytes, with the length and the mark that end the file. */
function readFooter(
  sizeBytes: number,
  read: (begin: number, end: number) => ArrayBuffer,
): ArrayBuffer {
  if (sizeBytes < TAIL_BYTES) throw new Error("it is too short");
  const tail = new DataView(read(sizeBytes - TAIL_BYTES, sizeBytes));
  if (tail.getUint32(4, true) !== MAGIC) throw new Error("it does not end with PAR1");
  const length = tail.getUint32(0, true);
  if (length > sizeBytes - TAIL_BYTES) {
    throw new Error(`its metadata claims ${length} of the file's ${sizeBytes} bytes`);
  }
  const footer = read(sizeBytes - TAIL_BYTES - length, sizeBytes);
  structEnd(new DataView(footer, 0, length), 0);
  return footer;
}

function checkChunk(
  { meta_data: column, file_path }: FileMetaData["row_groups"][number]["columns"][number],
  schema: SchemaTree,
  sizeBytes: number,
): ColumnChunk {
  if (file_path) throw new Error("its columns are in other files");
  if (!column) throw new Error("a column has no metadata; encrypted files are not read");
  const path = getTreePath(schema, column.path_in_schema);
  if (path.at(-1)!.element.type !== column.type) {
    throw new Error(`column "${column.path_in_schema.join(".")}" is of two types`);
  }
  const begin = Number(column.dictionary_page_offset || column.data_page_offset);
  const end = begin + Number(column.total_compressed_size);
  if (!(begin >= 0 && begin <= end && end <= sizeBytes)) {
    throw new Error(`column "${column.path_in_schema.join(".")}" lies outside the file`);
  }
  return { column, path, begin, end };
}
