/** JSON documents that are lists of rows, read row by row in flat memory. */

import type { DataFile, RawRow, ReadOptions } from "../data_file.ts";
import { badUtf8, malformedRow } from "../errors.ts";
import { readBytes } from "./bytes.ts";
import { jsonFault } from "./json_fault.ts";
import { JsonSplitter, ListFault } from "./json_splitter.ts";
import { strictDecoder } from "./lines.ts";

/**
 * Reads the rows of a JSON file, in batches of as many as a chunk of the file holds.
 *
 * @throws DataError BAD_JSON or BAD_UTF8 naming row and line; those of `readBytes`.
 */
export async function* readJson(
  file: DataFile,
  options: ReadOptions = {},
): AsyncGenerator<RawRow[]> {
  const cursor = { row: 0 };
  const decoder = strictDecoder();
  const splitter = new JsonSplitter();
  try {
    for await (const chunk of readBytes(file, cursor, options)) {
      const rows: RawRow[] = [];
      for (const { bytes, line } of splitter.push(chunk)) {
        cursor.row++;
        rows.push({ row: cursor.row, value: parse(file, decoder, bytes, cursor.row, line) });
      }
      if (rows.length > 0) yield rows;
    }
    splitter.end();
  } catch (error) {
    if (!(error instanceof ListFault)) throw error;
    throw malformedRow("JSON", file.name, cursor.row + 1, error.line, error.message);
  }
}

function parse(
  file: DataFile,
  decoder: TextDecoder,
  bytes: Uint8Array,
  row: number,
  line: number,
): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw badUtf8(file.name, row, line);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformedRow("JSON", file.name, row, line, jsonFault(error));
  }
}
