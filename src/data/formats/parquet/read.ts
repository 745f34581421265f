/**
 * Parquet, a row group at a time: memory is that of one row group, decoded. Lists of structs
 * (conversations) come out as arrays of objects.
 */

import type { DataFile, RawRow, ReadOptions } from "../../data_file.ts";
import { badUtf8, compressedParquet, corruptParquet, sourceUnreadable } from "../../errors.ts";
import { compressionOf } from "../bytes.ts";
import { strictDecoder } from "../lines.ts";

/**
 * Reads the rows of a Parquet file, a row group a batch.
 *
 * @throws DataError BAD_PARQUET, COMPRESSED_PARQUET, SOURCE_UNREADABLE, or BAD_UTF8 naming the
 * first row of the row group.
 */
export async function* readParquet(
  file: DataFile,
  options: ReadOptions = {},
): AsyncGenerator<RawRow[]> {
  const { readMetadata } = await import("./metadata.ts");
  const { readRowGroup } = await import("./row_groups.ts");
  using handle = await Deno.open(file.path).catch((error) => {
    throw sourceUnreadable(file.name, error);
  });
  const read = (begin: number, end: number) => readAt(handle, begin, end);
  if (compressionOf(file.name, new Uint8Array(read(0, 4))) !== "none") {
    throw compressedParquet(file.name);
  }
  const { schema, groups } = named(file, 0, () => readMetadata(file.sizeBytes, read));
  const total = groups.reduce((sum, { rows }) => sum + rows, 0);
  for (const group of groups) {
    options.signal?.throwIfAborted();
    const texts = new Texts();
    const values = await readRowGroup(group, schema, file.sizeBytes, read, texts.decode)
      .catch((error) => {
        throw texts.areBad
          ? badUtf8(file.name, group.rowStart + 1)
          : corruptParquet(file.name, group.rowStart + 1, error);
      });
    options.onBytes?.(file.sizeBytes * group.rows / Math.max(total, 1));
    if (values.length === 0) continue;
    yield values.map((value, index) => ({ row: group.rowStart + index + 1, value }));
  }
}

function named<T>(file: DataFile, row: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw corruptParquet(file.name, row, error);
  }
}

/** Decodes texts strictly, and remembers that one was none. */
class Texts {
  areBad = false;
  readonly #decoder = strictDecoder();

  readonly decode = (value: Uint8Array | undefined): string | undefined => {
    if (value === undefined) return undefined;
    if (!(value instanceof Uint8Array)) throw new Error("a text that is no text");
    try {
      return this.#decoder.decode(value);
    } catch (error) {
      this.areBad = true;
      throw error;
    }
  };
}

/** Reads synchronously: a file has one position. */
function readAt(handle: Deno.FsFile, start: number, end: number): ArrayBuffer {
  const bytes = new Uint8Array(Math.max(end - start, 0));
  handle.seekSync(start, Deno.SeekMode.Start);
  let at = 0;
  while (at < bytes.length) {
    const count = handle.readSync(bytes.subarray(at));
    if (count === null) break;
    at += count;
  }
  return at === bytes.length ? bytes.buffer : bytes.buffer.slice(0, at);
}
