/**
 * Comma- and tab-separated values with a header row. Cells are text; a cell that holds a JSON list
 * or object (messages, as pandas and the datasets library write them) is read as such.
 */

import { CsvParseStream } from "@std/csv";
import type { DataFile, RawRow, ReadOptions } from "../data_file.ts";
import { badUtf8, malformedRow, repeatedColumn, rowTooLong } from "../errors.ts";
import { type Cursor, readBytes } from "./bytes.ts";
import { joinBytes, LineTooLong, MAX_ROW_BYTES, splitLines, strictDecoder } from "./lines.ts";

const BATCH_ROWS = 256;
const FEED = new Uint8Array([0x0a]);

/**
 * Stands in the text for bytes that are not UTF-8, until the row that holds them is known. A
 * noncharacter: Unicode keeps it out of interchanged text.
 */
const BAD_BYTES = "\uFFFF";

/** What the text tells of itself while it is read ahead of its records. */
interface TextState {
  /** Where bad bytes were met; the first line alone matters. */
  badLine?: number;
  /** Characters that no record has come of yet: a quoted cell goes on over lines. */
  openLength: number;
}

/**
 * Reads the rows of a CSV (or TSV) file as objects keyed by the header, in batches.
 *
 * @throws DataError BAD_CSV for a ragged row, stray quotes or two columns of one name, BAD_UTF8,
 * ROW_TOO_LONG; those of `readBytes`.
 */
export async function* readCsv(
  file: DataFile,
  options: ReadOptions = {},
): AsyncGenerator<RawRow[]> {
  const cursor: Cursor = { row: 0 };
  const state: TextState = { openLength: 0 };
  const bytes = readBytes(file, cursor, options);
  const text = decodedLines(bytes, state);
  const separator = file.format === "tsv" ? "\t" : ",";
  const records = ReadableStream.from(text).pipeThrough(new CsvParseStream({ separator }));
  let header: readonly string[] | undefined;
  let batch: RawRow[] = [];
  try {
    for await (const record of records as ReadableStream<string[]>) {
      state.openLength = 0;
      if (state.badLine !== undefined && record.some((cell) => cell.includes(BAD_BYTES))) {
        throw badUtf8(file.name, header === undefined ? 0 : cursor.row + 1, state.badLine);
      }
      if (header === undefined) {
        header = checkedHeader(file, record);
        continue;
      }
      cursor.row++;
      batch.push({ row: cursor.row, value: toObject(file, header, record, cursor.row) });
      if (batch.length === BATCH_ROWS) {
        yield batch;
        batch = [];
      }
    }
  } catch (error) {
    throw asDataError(file, cursor, error);
  } finally {
    // The stream lets go of the file some time after it broke off.
    await bytes.return(undefined);
  }
  if (batch.length > 0) yield batch;
}

/**
 * Of two cells under one name a row would keep the last alone; columns without a name, which
 * spreadsheets leave behind, nobody asks for. @throws DataError BAD_CSV.
 */
function checkedHeader(file: DataFile, header: readonly string[]): readonly string[] {
  const repeated = header.find((name, index) => name !== "" && header.indexOf(name) !== index);
  if (repeated !== undefined) throw repeatedColumn(file.name, repeated);
  return header;
}

function toObject(
  file: DataFile,
  header: readonly string[],
  record: readonly string[],
  row: number,
): Record<string, unknown> {
  if (record.length !== header.length) {
    const wanted = `expected ${header.length} cells, received ${record.length}`;
    throw malformedRow("CSV", file.name, row, undefined, wanted);
  }
  return Object.fromEntries(header.map((name, index) => [name, cellValue(record[index]!)]));
}

function cellValue(cell: string): unknown {
  if (!/^\s*(?:\[\s*[{\]]|\{\s*")/.test(cell)) return cell;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}

function asDataError(file: DataFile, cursor: Cursor, error: unknown): unknown {
  if (error instanceof LineTooLong) return rowTooLong(file.name, cursor.row + 1, MAX_ROW_BYTES);
  if (!(error instanceof SyntaxError)) return error;
  const line = /parse error on line (\d+)/.exec(error.message)?.[1];
  const reason = /bare "/.test(error.message)
    ? 'a quote (") inside a cell that does not begin with one'
    : 'a quoted cell whose closing quote (") is missing or misplaced';
  return malformedRow(
    "CSV",
    file.name,
    cursor.row + 1,
    line === undefined ? undefined : Number(line),
    reason,
  );
}

/** Decodes whole lines at once, and line by line only where the bytes are bad. */
async function* decodedLines(
  chunks: AsyncIterable<Uint8Array>,
  state: TextState,
): AsyncGenerator<string> {
  const decoder = strictDecoder();
  let lineNumber = 0;
  for await (const lines of splitLines(chunks)) {
    const first = lineNumber + 1;
    const block = decodeBlock(decoder, lines) ??
      lines.map((line, index) => decodeLine(decoder, line, first + index, state)).join("");
    state.openLength += block.length;
    if (state.openLength > MAX_ROW_BYTES) throw new LineTooLong();
    yield block;
    lineNumber += lines.length;
  }
}

function decodeBlock(decoder: TextDecoder, lines: readonly Uint8Array[]): string | undefined {
  try {
    return decoder.decode(joinBytes(lines.flatMap((line) => [line, FEED])));
  } catch {
    return undefined;
  }
}

function decodeLine(
  decoder: TextDecoder,
  line: Uint8Array,
  lineNumber: number,
  state: TextState,
): string {
  try {
    return decoder.decode(line) + "\n";
  } catch {
    state.badLine ??= lineNumber;
    return new TextDecoder().decode(line).replaceAll("\uFFFD", BAD_BYTES) + "\n";
  }
}
