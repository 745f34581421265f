/**
 * Writes a GGUF file of version 3, whole or not at all. Tensors are written in the order given, one
 * in memory at a time. What openGguf refuses is not written.
 */

import { writeStreamAtomic } from "../base/atomic.ts";
import { alignmentOf, type GgufTensorEntry } from "./gguf_header.ts";
import { checkRange, type GgufOutDtype, quantize } from "./gguf_quantize.ts";
import {
  alignUp,
  dtypeBytes,
  GGUF_NUMBERS,
  GGUF_TENSOR_TYPES,
  GGUF_VALUE_TYPES,
  type GgufField,
  type GgufMetadata,
  type GgufScalar,
  type GgufScalarType,
  type GgufValueType,
} from "./gguf_types.ts";
import type { TensorSource } from "./write_safetensors.ts";

/** A tensor to write; its values are asked for when their turn comes. */
export interface GgufTensorSource extends TensorSource {
  /** Q8_0 needs rows (the last dimension) of a multiple of 32. */
  readonly dtype: GgufOutDtype;
}

const VERSION = 3;

/**
 * Writes the file at `path`.
 *
 * @throws {OddsmithError} WeightsError OUT_OF_RANGE where a number does not fit its type.
 */
export async function writeGguf(
  path: string,
  metadata: GgufMetadata,
  tensors: ReadonlyMap<string, GgufTensorSource>,
): Promise<void> {
  const alignment = alignmentOf(path, metadata);
  await writeStreamAtomic(path, async (write) => {
    await write(ggufHeaderBytes(path, metadata, tensors));
    for (const [name, { dtype, shape, values }] of tensors) {
      const data = await values();
      if (data.length !== elements(shape)) {
        throw new RangeError(`"${name}" has ${data.length} values, its shape [${shape}] others`);
      }
      checkRange(path, name, dtype, data);
      const bytes = quantize(dtype, data);
      await write(bytes);
      await write(new Uint8Array(alignUp(bytes.length, alignment) - bytes.length));
    }
  });
}

/** The bytes before the first tensor's, padding included; `path` is for messages. */
export function ggufHeaderBytes(
  path: string,
  metadata: GgufMetadata,
  tensors: ReadonlyMap<string, Pick<GgufTensorEntry, "dtype" | "shape">>,
): Uint8Array {
  const alignment = alignmentOf(path, metadata);
  const bytes = new ByteBuilder();
  bytes.text("GGUF");
  bytes.scalar("uint32", VERSION);
  bytes.scalar("uint64", BigInt(tensors.size));
  bytes.scalar("uint64", BigInt(metadata.size));
  for (const [key, field] of metadata) {
    bytes.scalar("string", key);
    writeField(bytes, field);
  }
  let offset = 0;
  for (const [name, { dtype, shape }] of tensors) {
    bytes.scalar("string", name);
    bytes.scalar("uint32", shape.length);
    for (const size of shape.toReversed()) bytes.scalar("uint64", BigInt(size));
    bytes.scalar("uint32", GGUF_TENSOR_TYPES[dtype].id);
    bytes.scalar("uint64", BigInt(offset));
    offset = alignUp(offset + dtypeBytes(dtype, elements(shape)), alignment);
  }
  return bytes.padded(alignment);
}

function writeField(bytes: ByteBuilder, field: GgufField): void {
  bytes.type(field.type);
  if (field.type !== "array") return bytes.scalar(field.type, field.value);
  bytes.type(field.elementType);
  bytes.scalar("uint64", BigInt(field.value.length));
  for (const value of field.value) bytes.scalar(field.elementType, value);
}

/** Bytes that grow. */
class ByteBuilder {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #encoder = new TextEncoder();

  /** Makes room for `count` bytes more and gives where they begin. */
  #grow(count: number): number {
    const begin = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return begin;
  }

  text(text: string): void {
    const encoded = this.#encoder.encode(text);
    const at = this.#grow(encoded.length);
    this.#bytes.set(encoded, at);
  }

  type(type: GgufValueType): void {
    this.scalar("uint32", GGUF_VALUE_TYPES.indexOf(type));
  }

  scalar(type: GgufScalarType, value: GgufScalar): void {
    if (type === "string") {
      const encoded = this.#encoder.encode(value as string);
      this.scalar("uint64", BigInt(encoded.length));
      const at = this.#grow(encoded.length);
      this.#bytes.set(encoded, at);
    } else if (type === "bool") {
      const at = this.#grow(1);
      this.#bytes[at] = value ? 1 : 0;
    } else {
      const numbers = new GGUF_NUMBERS[type](1);
      numbers[0] = value as never;
      const at = this.#grow(numbers.byteLength);
      this.#bytes.set(new Uint8Array(numbers.buffer), at);
    }
  }

  padded(alignment: number): Uint8Array {
    this.#grow(alignUp(this.#length, alignment) - this.#length);
    return this.#bytes.subarray(0, this.#length);
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
