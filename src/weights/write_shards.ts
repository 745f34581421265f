/**
 * Writes a checkpoint's weights as model.safetensors, or, where that would be too large a file, as
 * shards and the index that names them: cut, named and indexed as transformers' save_pretrained does.
 */

import { join } from "@std/path";
import { writeFileAtomic } from "../base/atomic.ts";
import { INDEX_FILE, SINGLE_FILE } from "./safetensors.ts";
import {
  SAFETENSORS_BYTES,
  type SafetensorsDtype,
  type TensorSource,
  writeSafetensors,
} from "./write_safetensors.ts";

/** How to cut and write. */
export interface ShardOptions {
  readonly dtype: SafetensorsDtype;
  /** Most bytes of tensors in one file; a larger tensor gets a file of its own. */
  readonly maxShardSize: number;
}

/**
 * Writes the files into an existing folder and gives their names.
 *
 * @throws {OddsmithError} WeightsError OUT_OF_RANGE.
 */
export async function writeShards(
  dir: string,
  tensors: ReadonlyMap<string, TensorSource>,
  { dtype, maxShardSize }: ShardOptions,
): Promise<string[]> {
  const sizeOf = ({ shape }: TensorSource) => SAFETENSORS_BYTES[dtype] * elements(shape);
  const ordered = [...tensors].sort(([a], [b]) => compareNames(a, b));
  const shards = planShards(
    ordered.map(([name, tensor]) => [name, sizeOf(tensor)]),
    maxShardSize,
  );
  const map: Record<string, string> = {};
  const names: string[] = [];
  for (const [i, shard] of shards.entries()) {
    const file = shards.length === 1 ? SINGLE_FILE : shardName(i + 1, shards.length);
    names.push(file);
    for (const name of shard) map[name] = file;
    const own = new Map(shard.map((name) => [name, tensors.get(name)!]));
    await writeSafetensors(join(dir, file), own, { dtype });
  }
  if (shards.length === 1) return names;
  const all = [...tensors.values()];
  const metadata = {
    total_parameters: all.reduce((sum, { shape }) => sum + elements(shape), 0),
    total_size: all.reduce((sum, tensor) => sum + sizeOf(tensor), 0),
  };
  const weight_map = Object.fromEntries(Object.entries(map).sort(([a], [b]) => a < b ? -1 : 1));
  const index = JSON.stringify({ metadata, weight_map }, null, 2) + "\n";
  await writeFileAtomic(join(dir, INDEX_FILE), index);
  return [...names, INDEX_FILE];
}

/** Cuts tensors, in their order, into files of at most `maxShardSize` bytes; at least one file. */
export function planShards(
  sizes: readonly (readonly [name: string, sizeBytes: number])[],
  maxShardSize: number,
): string[][] {
  const shards: string[][] = [];
  let [shard, filled]: [string[], number] = [[], 0];
  for (const [name, sizeBytes] of sizes) {
    if (sizeBytes > maxShardSize) {
      shards.push([name]);
      continue;
    }
    if (filled + sizeBytes > maxShardSize) {
      shards.push(shard);
      [shard, filled] = [[], 0];
    }
    shard.push(name);
    filled += sizeBytes;
  }
  if (shard.length > 0 || shards.length === 0) shards.push(shard);
  return shards;
}

/**
 * The order that transformers 5 saves tensors in: part by part between the points, numbers by their
 * size and before words; of words with a number behind, that number by its size.
 */
export function compareNames(a: string, b: string): number {
  const [ours, theirs] = [a.split("."), b.split(".")];
  for (let i = 0; i < ours.length && i < theirs.length; i++) {
    const order = comparePart(ours[i]!, theirs[i]!);
    if (order !== 0) return order;
  }
  return ours.length - theirs.length;
}

function comparePart(a: string, b: string): number {
  const split = (part: string) => /^(.*?)(\d*)$/s.exec(part)!.slice(1) as [string, string];
  const [[wordA, numberA], [wordB, numberB]] = [split(a), split(b)];
  if (wordA !== wordB) return wordA < wordB ? -1 : 1;
  // "" is before any number.
  return Number(numberA || -1) - Number(numberB || -1);
}

function shardName(number: number, count: number): string {
  const digits = (n: number) => String(n).padStart(5, "0");
  return `model-${digits(number)}-of-${digits(count)}.safetensors`;
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
