/** The JSON and JSONL files that training and evaluation leave; faults name file and row. */

import { TextLineStream } from "@std/streams";
import { badReportFile } from "./errors.ts";

/**
 * Reads a JSON file.
 *
 * @throws {OddsmithError} BAD_FILE if it is missing or is not JSON.
 */
export async function readJson<T>(path: string): Promise<T> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw badReportFile(path, undefined, cause);
  }
}

/**
 * Reads a JSONL file row by row, in flat memory.
 *
 * @throws {OddsmithError} BAD_FILE if it is missing or a row is not JSON.
 */
export async function* readJsonLines<T>(path: string): AsyncGenerator<T> {
  const file = await Deno.open(path).catch((cause) => {
    throw badReportFile(path, undefined, cause);
  });
  const lines = file.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  let row = 0;
  for await (const line of lines) {
    row++;
    if (line.trim() === "") continue;
    let value: T;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw badReportFile(path, row, cause);
    }
    yield value;
  }
}

/** Writes rows as a JSONL file, in flat memory. */
export async function writeJsonLines(
  path: string,
  rows: Iterable<unknown> | AsyncIterable<unknown>,
): Promise<void> {
  await Deno.writeFile(path, ReadableStream.from(lines(rows)).pipeThrough(new TextEncoderStream()));
}

async function* lines(rows: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const row of rows) yield JSON.stringify(row) + "\n";
}
