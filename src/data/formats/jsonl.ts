/** JSON Lines: a JSON value a line; blank lines are passed over and are no rows. */

import type { DataFile, RawRow, ReadOptions } from "../data_file.ts";
import { badUtf8, malformedRow, rowTooLong } from "../errors.ts";
import { type Cursor, readBytes } from "./bytes.ts";
import { jsonFault } from "./json_fault.ts";
import { LineTooLong, MAX_ROW_BYTES, splitLines, strictDecoder } from "./lines.ts";

/**
 * Reads the rows of a JSON Lines file, in batches of as many as a chunk of the file holds.
 *
 * @throws DataError BAD_JSON or BAD_UTF8 naming row and line, ROW_TOO_LONG; those of `readBytes`.
 */
export async function* readJsonl(
  file: DataFile,
  options: ReadOptions = {},
): AsyncGenerator<RawRow[]> {
  const cursor = { row: 0 };
  try {
    yield* rowsOf(file, cursor, splitLines(readBytes(file, cursor, options)));
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error;
    throw rowTooLong(file.name, cursor.row + 1, MAX_ROW_BYTES);
  }
}

async function* rowsOf(
  file: DataFile,
  cursor: Cursor,
  blocks: AsyncIterable<Uint8Array[]>,
): AsyncGenerator<RawRow[]> {
  const decoder = strictDecoder();
  let lineNumber = 0;
  for await (const lines of blocks) {
    const rows: RawRow[] = [];
    for (const line of lines) {
      lineNumber++;
      let text: string;
      try {
        text = decoder.decode(line);
      } catch {
        throw badUtf8(file.name, cursor.row + 1, lineNumber);
      }
      if (text.trim() === "") continue;
      cursor.row++;
      try {
        rows.push({ row: cursor.row, value: JSON.parse(text) });
      } catch (error) {
        throw malformedRow("JSON", file.name, cursor.row, lineNumber, jsonFault(error));
      }
    }
    if (rows.length > 0) yield rows;
  }
}
