/**
 * Writes tensors as one safetensors file, in the order of their names, so that equal weights give
 * equal bytes. One tensor is in memory at a time.
 */

import { temporaryName } from "../base/atomic.ts";
import { checkRange, quantize } from "./gguf_quantize.ts";

/** A tensor to write; its values are asked for when their turn comes. */
export interface TensorSource {
  readonly shape: readonly number[];
  values(): Float32Array | Promise<Float32Array>;
}

/** Number types that a safetensors file is written in, as the format spells them. */
export type SafetensorsDtype = "F32" | "F16" | "BF16";

/** How numbers are written. */
export interface SafetensorsOptions {
  /**
   * The numbers' type: rounded to the nearest, to even where two are equally near. Where it is
   * given, numbers that it cannot hold are refused. Default: F32, whatever the numbers are.
   */
  readonly dtype?: SafetensorsDtype;
}

/** Bytes a number. */
export const SAFETENSORS_BYTES: Readonly<Record<SafetensorsDtype, number>> = {
  F32: 4,
  F16: 2,
  BF16: 2,
};

/**
 * Writes the file at `path`, whole or not at all.
 *
 * @throws {OddsmithError} WeightsError OUT_OF_RANGE where a `dtype` cannot hold a number.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorSource>,
  { dtype }: SafetensorsOptions = {},
): Promise<void> {
  const sorted = [...tensors].sort(([a], [b]) => a < b ? -1 : 1);
  const temporary = temporaryName(path);
  try {
    {
      using file = await Deno.open(temporary, { write: true, createNew: true });
      await writeAll(file, headerBytes(sorted, dtype ?? "F32"));
      for (const [name, { shape, values }] of sorted) {
        const data = await values();
        if (data.length !== elements(shape)) {
          throw new RangeError(`"${name}" has ${data.length} values, its shape [${shape}] others`);
        }
        if (dtype !== undefined) checkRange(path, name, dtype, data);
        await writeAll(file, bytesOf(data, dtype ?? "F32"));
      }
      await file.sync();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** The length and the JSON, padded with spaces so that the data starts at a multiple of 8. */
function headerBytes(
  tensors: readonly [string, TensorSource][],
  dtype: SafetensorsDtype,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let at = 0;
  for (const [name, { shape }] of tensors) {
    const end = at + SAFETENSORS_BYTES[dtype] * elements(shape);
    header[name] = { dtype, shape, data_offsets: [at, end] };
    at = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

function bytesOf(data: Float32Array, dtype: SafetensorsDtype): Uint8Array {
  if (dtype !== "F32") return quantize(dtype, data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
