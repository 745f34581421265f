/**
 * Decodes a row group into rows: pages are checked, decoded by the library, and what it gives is
 * counted. Memory is that of the row group, decoded.
 *
 * Invariant: every row has every column's value, or null; a row that lacks one is an error.
 */

import type { ParquetParsers, SchemaTree } from "hyparquet";
import { readColumn } from "hyparquet/src/column.js";
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { assembleAsync, asyncGroupToRows } from "hyparquet/src/rowgroup.js";
import { type ColumnChunk, mostValues, type RowGroup } from "./metadata.ts";
import { type Budget, checkPages } from "./pages.ts";

/** How far a row group's pages may grow, at most: as a part of their size in the file. */
const LARGEST_GROWTH = 100;
const LEAST_BUDGET_BYTES = 1 << 28;

/**
 * Reads a row group's rows as objects by column.
 *
 * @param read Gives the bytes of the file from a place to another.
 * @throws Error that says what is wrong; what `stringFromBytes` throws.
 */
export async function readRowGroup(
  { rowStart, rows, chunks }: RowGroup,
  schema: SchemaTree,
  sizeBytes: number,
  read: (begin: number, end: number) => ArrayBuffer,
  stringFromBytes: ParquetParsers["stringFromBytes"],
): Promise<Record<string, unknown>[]> {
  if (rows === 0) return [];
  const parsers = { ...DEFAULT_PARSERS, stringFromBytes };
  const packed = chunks.reduce((sum, { begin, end }) => sum + end - begin, 0);
  const budget = {
    bytes: Math.max(LEAST_BUDGET_BYTES, LARGEST_GROWTH * packed),
    values: mostValues(sizeBytes),
  };
  const columns = chunks.map((chunk) => ({
    pathInSchema: chunk.column.path_in_schema,
    data: readChunk(chunk, rowStart, rows, read(chunk.begin, chunk.end), budget, parsers),
  }));
  const group = {
    groupStart: rowStart,
    groupRows: rows,
    asyncColumns: columns.map(({ pathInSchema, data }) => ({
      pathInSchema,
      data: Promise.resolve({ data, skipped: 0 }),
    })),
  };
  const assembled = assembleAsync(group, schema, parsers);
  await Promise.allSettled(assembled.asyncColumns.map(({ data }) => data));
  const values = await asyncGroupToRows(assembled, 0, rows, undefined, "object");
  for (const { element: { name }, children } of schema.children) {
    for (const row of values) {
      if (row[name] !== undefined) continue;
      if (children.length === 0) throw new Error(`column "${name}" lacks values`);
      // The library's word for a list or a struct that is null.
      row[name] = null;
    }
  }
  return values;
}

type Decoded = ReturnType<typeof readColumn>["data"];

function readChunk(
  { column, path }: ColumnChunk,
  groupStart: number,
  rows: number,
  bytes: ArrayBuffer,
  budget: Budget,
  parsers: ParquetParsers,
): Decoded {
  const { plain, end } = checkPages(bytes, column, path, budget);
  const { data } = readColumn(
    { view: new DataView(bytes, 0, end), offset: 0 },
    { groupStart, groupRows: rows, selectStart: 0, selectEnd: rows },
    {
      ...column,
      pathInSchema: column.path_in_schema,
      element: path.at(-1)!.element,
      schemaPath: path,
      compressors: { [column.codec]: (input: Uint8Array) => plain.get(input.byteOffset)! },
      parsers,
    },
  );
  const found = data.reduce((sum, part) => sum + part.length, 0);
  if (found !== rows) {
    throw new Error(`column "${column.path_in_schema.join(".")}" has ${found} rows of ${rows}`);
  }
  return data;
}
