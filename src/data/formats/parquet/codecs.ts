/**
 * Decompresses pages, and gives exactly as many bytes as the page's header says. What a codec
 * checks by itself (gzip its CRC, zstd where it has one) is checked.
 */

import type { CompressionCodec } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { lz4Length } from "./lz4_length.ts";

type Decompress = (input: Uint8Array, length: number) => Uint8Array;

/** By the platform, which stops where more comes out than the header says. */
const byPlatform = (decompress: typeof gunzipSync): Decompress => (input, length) =>
  decompress(input, { maxOutputLength: Math.max(length, 1) });

const CODECS: Partial<Record<CompressionCodec, Decompress>> = {
  SNAPPY: compressors.SNAPPY,
  GZIP: byPlatform(gunzipSync),
  BROTLI: byPlatform(brotliDecompressSync as typeof gunzipSync),
  ZSTD: byPlatform(zstdDecompressSync as typeof gunzipSync),
  LZ4: (input, length) => checkedLz4(compressors.LZ4!, input, length),
  LZ4_RAW: (input, length) => checkedLz4(compressors.LZ4_RAW!, input, length),
};

/** Most bytes that one byte can stand for; of the others, none is known. */
const LARGEST_RATIO: Partial<Record<CompressionCodec, number>> = {
  UNCOMPRESSED: 1,
  SNAPPY: 64 / 3,
  LZ4: 255,
  LZ4_RAW: 255,
};

/**
 * Decompresses a page.
 *
 * @param length What must come out.
 * @throws Error where something else does.
 */
export function decompressPage(
  codec: CompressionCodec,
  input: Uint8Array,
  length: number,
): Uint8Array {
  if (length > (LARGEST_RATIO[codec] ?? Infinity) * input.length + 64) {
    throw new Error(`a page of ${input.length} bytes claims to hold ${length}`);
  }
  if (codec === "UNCOMPRESSED") return exactly(input, length);
  const decompress = CODECS[codec];
  if (!decompress) throw new Error(`its codec, ${codec ?? "one of no name"}, is not read`);
  return exactly(decompress(input, length), length);
}

function exactly(page: Uint8Array, length: number): Uint8Array {
  if (page.length === length) return page;
  throw new Error(`a page holds ${page.length} bytes, its header says ${length}`);
}

function checkedLz4(decompress: Decompress, input: Uint8Array, length: number): Uint8Array {
  if (lz4Length(input) !== length) throw new Error("a page's LZ4 data is damaged");
  return decompress(input, length);
}
