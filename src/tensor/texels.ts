/**
 * Lets a program read a tensor as a storage texture, four values a fetch. Mesa's software driver
 * gathers a storage buffer lane by lane under a mask, about four times as slow as it loads texels
 * of a storage texture (it samples other textures by a function call, at half the speed): there a
 * copy pays wherever a value is read more than a few times.
 *
 * The copies live in scratch textures that later programs overwrite; commands run in order, so a
 * program always sees its own.
 *
 *     @group(0) @binding(0) var x: texture_storage_2d<rgba32float, read>;
 *     textureLoad(x, vec2<u32>(column / 4, row))         // values 4x to 4x + 3 of row y
 */

import type { OddsmithError } from "../base/error.ts";
import { limitExceeded, misalignedTexels } from "./errors.ts";
import { encodeCopy } from "./kernel_timer.ts";
import { sizeClass } from "./size_class.ts";
import type { tf } from "./tf.ts";
import { type BackendInternals, submitPending, webgpuInternals } from "./webgpu_internals.ts";

/** How four values are kept: float32, float16, or int8 with v / 127 as the value. */
export type TexelFormat = "rgba32float" | "rgba16float" | "rgba8snorm";

/** Rows of a tensor to be read as texels. Lengths and places count its elements of 4 bytes. */
export interface TexelView {
  readonly texels: tf.Tensor;
  /** Texels a row: four values each. */
  readonly width: number;
  readonly height: number;
  /** From one row to the next; a multiple of 64. */
  readonly stride: number;
  /** Where the first row starts; default 0. A multiple of one texel. */
  readonly start?: number;
  /** Default "rgba32float"; the others keep their values packed in an int32 tensor. */
  readonly format?: TexelFormat;
}

/**
 * A scratch texture of float32 that one program writes (inPlace) and the next one reads (inputs);
 * whatever asks for the slot after that may overwrite it.
 */
export interface ScratchTexels {
  readonly scratch: GPUTextureView;
}

/** WebGPU copies rows of a multiple of 256 bytes. */
const STRIDE_ELEMENTS = 64;

/** Bytes a texel. */
export const TEXEL_BYTES: Readonly<Record<TexelFormat, number>> = {
  rgba32float: 16,
  rgba16float: 8,
  rgba8snorm: 4,
};

const LINE_BYTES = 64;

/** Scratch textures over this are thrown away, the least recently used first. */
const KEPT_BYTES = 96 * 2 ** 20;

interface Scratch {
  texture: GPUTexture;
  bytes: number;
}

const scratches = new WeakMap<GPUDevice, Map<string, Scratch>>();

/** Whether a view of these sizes can be copied on the current device. */
export function fitsTexels({ width, height, stride, start = 0, format = "rgba32float" }: {
  width: number;
  height: number;
  stride: number;
  start?: number;
  format?: TexelFormat;
}): boolean {
  const most = webgpuInternals().device.limits.maxTextureDimension2D;
  const isAligned = stride % STRIDE_ELEMENTS === 0 && (4 * start) % TEXEL_BYTES[format] === 0;
  return isAligned && width <= most && height <= most;
}

/**
 * Makes scratch texels for a program to write.
 *
 * @param slot As of `copyToTexture`: the number they will have among the inputs of their reader.
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED.
 */
export function scratchTexels(width: number, height: number, slot: number): ScratchTexels {
  const backend = webgpuInternals();
  const most = backend.device.limits.maxTextureDimension2D;
  if (Math.max(width, height) > most) throw tooManyTexels("texels", width, height, most);
  return { scratch: scratch(backend, "rgba32float", width, height, slot).createView() };
}

/** Bytes the scratch textures of a device hold now. */
export function scratchBytes(device: GPUDevice): number {
  let total = 0;
  for (const { bytes } of scratches.get(device)?.values() ?? []) total += bytes;
  return total;
}

/**
 * Encodes the copy and gives the texture. Ends the backend's compute pass.
 *
 * @param slot The view's number among those of its program, which need textures of their own.
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED, MISALIGNED_TEXELS: ask `fitsTexels` first.
 */
export function copyToTexture(
  backend: BackendInternals,
  view: TexelView,
  slot: number,
  label: string,
): GPUTextureView {
  const { texels, width, height, stride, start = 0, format = "rgba32float" } = view;
  if (!fitsTexels(view)) {
    const most = backend.device.limits.maxTextureDimension2D;
    if (Math.max(width, height) <= most) throw misalignedTexels(label, stride, start);
    throw tooManyTexels(label, width, height, most, format);
  }
  backend.uploadToGPU(texels.dataId);
  const buffer = backend.tensorMap.get(texels.dataId).resource!;
  const texture = scratch(backend, format, width, height, slot);
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  encodeCopy(backend, "copy to texture", () =>
    backend.commandEncoder!.copyBufferToTexture(
      { buffer, offset: 4 * start, bytesPerRow: 4 * stride },
      { texture },
      [width, height],
    ));
  return texture.createView();
}

function tooManyTexels(
  what: string,
  width: number,
  height: number,
  most: number,
  format: TexelFormat = "rgba32float",
): OddsmithError {
  return limitExceeded({
    what,
    shape: [height, 4 * width],
    askedBytes: height * width * TEXEL_BYTES[format],
    allowedBytes: most * most * TEXEL_BYTES[format],
    option: "microBatchSize or maxLength",
  });
}

/** A texture of this width, at least this high; the same one as long as it is high enough. */
function scratch(
  backend: BackendInternals,
  format: TexelFormat,
  width: number,
  height: number,
  slot: number,
): GPUTexture {
  let kept = scratches.get(backend.device);
  if (!kept) scratches.set(backend.device, kept = new Map());
  const key = `${slot}/${format}/${width}`;
  const known = kept.get(key);
  kept.delete(key);
  if (known && known.texture.height >= height) {
    kept.set(key, known);
    return known.texture;
  }
  const rows = Math.min(sizeClass(height), backend.device.limits.maxTextureDimension2D);
  const padded = oddLines(width, TEXEL_BYTES[format]);
  const columns = padded <= backend.device.limits.maxTextureDimension2D ? padded : width;
  const bytes = columns * rows * TEXEL_BYTES[format];
  const old = known ? [known] : [];
  let total = scratchBytes(backend.device) + bytes;
  for (const [other, one] of kept) {
    if (total <= KEPT_BYTES) break;
    if (!other.startsWith(`${slot}/`)) continue;
    kept.delete(other);
    old.push(one);
    total -= one.bytes;
  }
  if (old.length > 0) {
    // A destroyed texture must not be named by commands that are still to be submitted.
    submitPending(backend);
    for (const { texture } of old) texture.destroy();
  }
  const texture = backend.device.createTexture({
    size: [columns, rows],
    format,
    usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
  });
  kept.set(key, { texture, bytes });
  return texture;
}

/**
 * The least width whose rows take an odd number of cache lines: rows a power of two apart would
 * share few sets of a CPU's cache, and push each other out.
 */
function oddLines(width: number, texelBytes: number): number {
  const perLine = LINE_BYTES / texelBytes;
  const lines = Math.ceil(width / perLine);
  return lines % 2 === 1 ? width : (lines + 1) * perLine;
}
