/**
 * A file's bytes as a stream, decompressed. Gzip (several members one after another, as `cat`
 * and bgzip write them) and zstd are told by their first bytes, not by the file's name.
 *
 * Invariant: the file is closed when the stream ends, fails or is left early.
 */

import type { Buffer } from "node:buffer";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { OddsmithError } from "../../base/error.ts";
import type { DataFile, ReadOptions } from "../data_file.ts";
import { corruptCompression, sourceUnreadable, utf16 } from "../errors.ts";
import { decompressZstd } from "./zstd.ts";

/** How far a reader is in its file; what errors of the byte stream are placed by. */
export interface Cursor {
  /** Rows read so far. */
  row: number;
}

type Bytes = Uint8Array<ArrayBuffer>;

const CHUNK_BYTES = 1 << 18;

/** How a file is compressed as a whole, told by its first bytes. */
export type Compression = "none" | "gzip" | "zstd";

/** Tells the compression from the first bytes; a name that ends in .gz or .zst is believed too. */
export function compressionOf(name: string, head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd";
  if (/\.(gz|gzip)$/i.test(name)) return "gzip";
  return /\.(zst|zstd)$/i.test(name) ? "zstd" : "none";
}

/**
 * Reads a file's bytes, decompressed, without a byte order mark.
 *
 * @param cursor Rows that the caller has read so far; errors name them.
 * @throws DataError SOURCE_UNREADABLE, BAD_GZIP, BAD_ZSTD, or BAD_UTF8 for UTF-16.
 */
export async function* readBytes(
  file: DataFile,
  cursor: Cursor,
  options: ReadOptions,
): AsyncGenerator<Bytes> {
  let first = true;
  for await (const chunk of decompressed(file, cursor, options)) {
    yield first ? withoutMark(file, chunk) : chunk;
    first = false;
  }
}

async function* decompressed(
  file: DataFile,
  cursor: Cursor,
  options: ReadOptions,
): AsyncGenerator<Bytes> {
  const raw = rawBytes(file, options);
  let compression: Compression = "none";
  try {
    const head = await raw.next();
    if (head.done) return;
    compression = compressionOf(file.name, head.value);
    const whole = prepend(head.value, raw);
    if (compression === "none") yield* whole;
    else yield* compression === "gzip" ? decompressGzip(whole) : decompressZstd(whole);
  } catch (error) {
    if (error instanceof OddsmithError || options.signal?.aborted || compression === "none") {
      throw error;
    }
    throw corruptCompression(file.name, compression, cursor.row, error);
  } finally {
    await raw.return(undefined);
  }
}

/**
 * Decompresses all members of a gzip file. The platform's decoder stops, without a word, where
 * what follows a member begins with a zero; zeros alone are padding, all else is data that is lost.
 */
async function* decompressGzip(chunks: AsyncGenerator<Bytes>): AsyncGenerator<Bytes> {
  const decoder = createGunzip();
  const fed = { bytes: 0, lastNonZero: -1 };
  const source = Readable.from(watchZeros(chunks, fed), { highWaterMark: 1 });
  pipeline(source, decoder, () => {});
  for await (const chunk of decoder) yield chunk as Buffer<ArrayBuffer>;
  if (fed.lastNonZero >= decoder.bytesWritten) throw new Error("what follows a member is no gzip");
}

/** Passes chunks on and remembers where the last byte is that is not 0. */
async function* watchZeros(
  chunks: AsyncGenerator<Bytes>,
  fed: { bytes: number; lastNonZero: number },
): AsyncGenerator<Bytes> {
  for await (const chunk of chunks) {
    const last = chunk.findLastIndex((byte) => byte !== 0);
    if (last >= 0) fed.lastNonZero = fed.bytes + last;
    fed.bytes += chunk.length;
    yield chunk;
  }
}

async function* prepend<T>(head: T, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  yield head;
  yield* rest;
}

async function* rawBytes(
  file: DataFile,
  options: ReadOptions,
): AsyncGenerator<Bytes> {
  using handle = await Deno.open(file.path).catch((error) => {
    throw sourceUnreadable(file.name, error);
  });
  while (true) {
    options.signal?.throwIfAborted();
    const buffer = new Uint8Array(CHUNK_BYTES);
    const count = await handle.read(buffer).catch((error) => {
      throw sourceUnreadable(file.name, error);
    });
    if (count === null) return;
    options.onBytes?.(count);
    yield buffer.subarray(0, count);
  }
}

function withoutMark(
  file: DataFile,
  chunk: Bytes,
): Bytes {
  const [a, b, c] = chunk;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) throw utf16(file.name);
  return a === 0xef && b === 0xbb && c === 0xbf ? chunk.subarray(3) : chunk;
}
