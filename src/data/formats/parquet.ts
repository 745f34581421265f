/**
 * Parquet, a row group at a time: memory is that of one row group, decoded. Lists of structs
 * (conversations) come out as arrays of objects.
 */

import type { AsyncBuffer, FileMetaData } from "hyparquet";
import type { DataFile, RawRow, ReadOptions } from "../data_file.ts";
import { badUtf8, compressedParquet, corruptParquet, sourceUnreadable } from "../errors.ts";
import { compressionOf } from "./bytes.ts";
import { strictDecoder } from "./lines.ts";

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
  const { parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  using handle = await Deno.open(file.path).catch((error) => {
    throw sourceUnreadable(file.name, error);
  });
  const buffer = fileBuffer(handle, file.sizeBytes);
  if (compressionOf(file.name, new Uint8Array(readAt(handle, 0, 4))) !== "none") {
    throw compressedParquet(file.name);
  }
  const metadata = await parquetMetadataAsync(buffer).catch((error) => {
    throw corruptParquet(file.name, 0, error);
  });
  for (const { rowStart, rowEnd, bytes } of rowGroups(metadata, file.sizeBytes)) {
    options.signal?.throwIfAborted();
    const decoder = strictDecoder();
    let badText = false;
    const stringFromBytes = (value: Uint8Array | undefined) => {
      if (value === undefined) return value;
      try {
        return decoder.decode(value);
      } catch (error) {
        badText = true;
        throw error;
      }
    };
    const values = await parquetReadObjects({
      file: buffer,
      metadata,
      compressors,
      rowStart,
      rowEnd,
      parsers: { stringFromBytes },
    }).catch((error) => {
      throw badText
        ? badUtf8(file.name, rowStart + 1)
        : corruptParquet(file.name, rowStart + 1, error);
    });
    options.onBytes?.(bytes);
    yield values.map((value, index) => ({ row: rowStart + index + 1, value }));
  }
}

/** Row ranges of the row groups, each with its share of the file's size. */
function rowGroups(
  metadata: FileMetaData,
  sizeBytes: number,
): { rowStart: number; rowEnd: number; bytes: number }[] {
  const total = Number(metadata.num_rows);
  let rowStart = 0;
  return metadata.row_groups.map((group) => {
    const rows = Number(group.num_rows);
    const range = { rowStart, rowEnd: rowStart + rows, bytes: (sizeBytes * rows) / total };
    rowStart += rows;
    return range;
  });
}

function fileBuffer(handle: Deno.FsFile, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    slice: (start, end = byteLength) => readAt(handle, start, end),
  };
}

/** Reads synchronously: several slices are asked for at once, and a file has one position. */
function readAt(handle: Deno.FsFile, start: number, end: number): ArrayBuffer {
  const bytes = new Uint8Array(Math.max(end - start, 0));
  handle.seekSync(start, Deno.SeekMode.Start);
  let at = 0;
  while (at < bytes.length) {
    const count = handle.readSync(bytes.subarray(at));
    if (count === null) break;
    at += count;
  }
  return bytes.buffer.slice(0, at);
}
