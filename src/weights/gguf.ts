/**
 * Reads a GGUF file: metadata, and tensors one by one as float32, by the file's own names and with
 * the numbers that llama.cpp computes with. It knows nothing of architectures. Opening reads the
 * header alone.
 */

import { noGguf } from "./errors.ts";
import { dequantize } from "./gguf_dequantize.ts";
import { type GgufHeader, type GgufTensorEntry, MAX_HEADER_BYTES } from "./gguf_header.ts";
import { parseGgufHeader } from "./gguf_header.ts";
import type { GgufMetadata } from "./gguf_types.ts";
import type { Weights } from "./safetensors.ts";
import { readBytes } from "./safetensors_header.ts";

/** An opened GGUF file; `dir` is its path. */
export interface Gguf extends Weights {
  /** 2 or 3. */
  readonly version: number;
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensorEntry>;
}

/** Vocabularies of small models fit; larger ones take two or three attempts. */
const FIRST_READ = 1 << 20;
const GROWTH = 8;

/**
 * Opens a GGUF file of version 2 or 3.
 *
 * @throws {OddsmithError} WeightsError NO_WEIGHTS, TRUNCATED, BAD_HEADER, UNSUPPORTED_GGUF,
 * UNSUPPORTED_DTYPE.
 */
export async function openGguf(path: string): Promise<Gguf> {
  const { version, metadata, tensors } = await readGgufHeader(path);
  const entries = new Map(tensors.map((entry) => [entry.name, entry]));
  return {
    dir: path,
    version,
    metadata,
    tensors: entries,
    read: (name) => readTensor(entries.get(name)!),
  };
}

async function readGgufHeader(path: string): Promise<GgufHeader> {
  using file = await Deno.open(path).catch((cause) => {
    throw noGguf(path, cause);
  });
  const { size, isFile } = await file.stat();
  if (!isFile) throw noGguf(path);
  for (let length = FIRST_READ;; length *= GROWTH) {
    await file.seek(0, Deno.SeekMode.Start);
    const bytes = await readBytes(file, Math.min(length, size, MAX_HEADER_BYTES));
    const header = parseGgufHeader(path, bytes, size);
    if (header) return header;
  }
}

async function readTensor({ file: path, dtype, begin, end }: GgufTensorEntry) {
  using file = await Deno.open(path);
  await file.seek(begin, Deno.SeekMode.Start);
  return dequantize(dtype, await readBytes(file, end - begin));
}
