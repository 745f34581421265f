/**
 * Reads a checkpoint's weights, one safetensors file or several with an index, tensor by tensor:
 * opening reads headers alone, and no more than one tensor need be in memory at a time.
 */

import { join } from "@std/path";
import { readStrictText } from "../base/strict_text.ts";
import { badIndex, missingShard, noWeights, unsupportedDtype } from "./errors.ts";
import { readBytes, readHeader, type TensorEntry } from "./safetensors_header.ts";

/** The file of a checkpoint of one file. */
export const SINGLE_FILE = "model.safetensors";
/** The file that names the shards of a checkpoint of several files. */
export const INDEX_FILE = "model.safetensors.index.json";

/** A checkpoint's tensors, by the checkpoint's names. */
export interface Weights {
  readonly dir: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Reads one tensor as float32; F16 and BF16 are widened. @throws UNSUPPORTED_DTYPE. */
  read(name: string): Promise<Float32Array>;
}

/**
 * Opens the weights of a model folder.
 *
 * @throws {OddsmithError} WeightsError NO_WEIGHTS, MISSING_SHARD, BAD_INDEX, TRUNCATED, BAD_HEADER.
 */
export async function openWeights(dir: string): Promise<Weights> {
  return await openFiles(dir, await weightFiles(dir));
}

/** Opens one file of tensors. @throws {OddsmithError} WeightsError TRUNCATED, BAD_HEADER. */
export async function openWeightFile(file: string): Promise<Weights> {
  return await openFiles(file, [file]);
}

async function openFiles(dir: string, files: readonly string[]): Promise<Weights> {
  const tensors = new Map<string, TensorEntry>();
  for (const file of files) {
    for (const entry of await readHeader(file)) {
      if (tensors.has(entry.name)) {
        throw badIndex(file, `tensor "${entry.name}" is in two files`);
      }
      tensors.set(entry.name, entry);
    }
  }
  return { dir, tensors, read: (name) => readTensor(tensors.get(name)!) };
}

/** Paths of the files that hold a folder's weights, without the index. */
export async function weightFiles(dir: string): Promise<string[]> {
  const single = join(dir, SINGLE_FILE);
  if (await exists(single)) return [single];
  const index = join(dir, INDEX_FILE);
  if (!await exists(index)) throw noWeights(dir);
  const shards = await shardsOf(index);
  for (const shard of shards) {
    if (!await exists(join(dir, shard))) throw missingShard(index, shard);
  }
  return shards.map((shard) => join(dir, shard));
}

/** Names of the files that an index names, sorted. @throws {OddsmithError} WeightsError BAD_INDEX. */
export async function shardsOf(index: string): Promise<string[]> {
  let json: unknown;
  try {
    json = JSON.parse(await readStrictText(index));
  } catch {
    throw badIndex(index, "it is not JSON");
  }
  const map = (json as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null) throw badIndex(index, 'it has no "weight_map"');
  const shards = new Set<string>();
  for (const shard of Object.values(map)) {
    if (typeof shard !== "string" || !/^[^/\\]+\.safetensors$/.test(shard)) {
      throw badIndex(index, `it names ${JSON.stringify(shard)}, which is no file beside it`);
    }
    shards.add(shard);
  }
  return [...shards].sort();
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

async function readTensor(entry: TensorEntry): Promise<Float32Array> {
  const widen = READERS[entry.dtype];
  if (!widen) throw unsupportedDtype(entry.file, entry.name, entry.dtype);
  using file = await Deno.open(entry.file);
  await file.seek(entry.begin, Deno.SeekMode.Start);
  return widen(await readBytes(file, entry.end - entry.begin));
}

const READERS: Readonly<Record<string, (bytes: Uint8Array) => Float32Array>> = {
  F32: (bytes) => new Float32Array(bytes.buffer),
  F16: (bytes) => Float32Array.from(new Uint16Array(bytes.buffer), widenHalf),
  BF16: (bytes) => {
    const bits = Uint32Array.from(new Uint16Array(bytes.buffer), (half) => half << 16);
    return new Float32Array(bits.buffer);
  },
};

/** An IEEE 754 half-precision number by its bits: 1 sign, 5 exponent, 10 fraction. */
function widenHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
