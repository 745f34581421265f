/**
 * The header of a GGUF file: magic, version, metadata, tensor infos; tensors follow without gap, in
 * the infos' order, each at a multiple of the alignment. Headers are not trusted: a length is checked
 * against the file's size before anything is allocated for it, and what is accepted says every byte.
 */

import { badGguf, truncated, unreadGgufType, unsupportedGguf } from "./errors.ts";
import {
  alignUp,
  dtypeBytes,
  GGUF_ALIGNMENT,
  GGUF_NUMBERS,
  GGUF_TENSOR_TYPES,
  GGUF_VALUE_TYPES,
  type GgufArray,
  type GgufDtype,
  ggufDtype,
  type GgufField,
  type GgufMetadata,
  type GgufScalar,
  type GgufScalarType,
  scalarBytes,
  unreadTypeName,
} from "./gguf_types.ts";
import type { TensorEntry } from "./safetensors_header.ts";

/** A GGUF file's tensor; `shape` is row-major, as in safetensors (the file has it reversed). */
export interface GgufTensorEntry extends TensorEntry {
  readonly dtype: GgufDtype;
}

/** All that a file says before its tensors' bytes. */
export interface GgufHeader {
  readonly version: number;
  readonly metadata: GgufMetadata;
  /** Its length; padding follows, then tensors. */
  readonly headerBytes: number;
  /** In the file's order. */
  readonly tensors: readonly GgufTensorEntry[];
}

const MAGIC = 0x46554747;

/** No header of a real model is near it: 300,000 tokens with their merges take 15 MB. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The fewest bytes of a metadata entry, and of a tensor's info. */
const LEAST_ENTRY = 8 + 4 + 1;
const LEAST_INFO = 8 + 4 + 8;

/**
 * Parses the header that `bytes` begins with.
 *
 * @param path For messages and the entries.
 * @param bytes The file's first bytes, perhaps not the whole header.
 * @param size The whole file's.
 * @returns undefined where the header goes on after `bytes`.
 * @throws {OddsmithError} WeightsError TRUNCATED, BAD_HEADER, UNSUPPORTED_GGUF, UNSUPPORTED_DTYPE.
 */
export function parseGgufHeader(
  path: string,
  bytes: Uint8Array,
  size: number,
): GgufHeader | undefined {
  const cursor = new Cursor(path, bytes, size);
  try {
    const version = readVersion(cursor);
    const tensorCount = cursor.count("tensors", LEAST_INFO);
    const entryCount = cursor.count("metadata entries", LEAST_ENTRY);
    const metadata = readMetadata(cursor, entryCount);
    const infos = readInfos(cursor, tensorCount);
    const tensors = placeTensors(cursor, infos, alignmentOf(path, metadata));
    return { version, metadata, headerBytes: cursor.at, tensors };
  } catch (error) {
    if (error === NEEDS_MORE) return undefined;
    throw error;
  }
}

/** Thrown where the bytes end and the file does not. */
const NEEDS_MORE = Symbol("needs more");

/** Reads little-endian values one after the other. */
class Cursor {
  readonly path: string;
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  at = 0;

  constructor(path: string, bytes: Uint8Array, size: number) {
    this.path = path;
    this.size = size;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves over `length` bytes and gives where they begin. */
  #take(length: number): number {
    const begin = this.at;
    const end = begin + length;
    if (end > this.size) throw truncated(this.path, end, this.size);
    if (end > MAX_HEADER_BYTES) throw this.bad(`its header is longer than ${MAX_HEADER_BYTES}`);
    if (end > this.#bytes.length) throw NEEDS_MORE;
    this.at = end;
    return begin;
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** How many of something follow, each taking `least` bytes or more. */
  count(what: string, least: number): number {
    const count = this.uint64();
    if (count * BigInt(least) > BigInt(this.size - this.at)) {
      throw this.bad(`it claims ${count} ${what} where ${this.size - this.at} bytes are left`);
    }
    return Number(count);
  }

  string(): string {
    const length = this.count("bytes of text", 1);
    const begin = this.#take(length);
    try {
      return this.#text.decode(this.#bytes.subarray(begin, this.at));
    } catch {
      throw this.bad("a text is not UTF-8");
    }
  }

  scalar(type: GgufScalarType): GgufScalar {
    if (type === "string") return this.string();
    if (type === "bool") return this.#bool();
    return this.#numbers(type, 1)[0]!;
  }

  array(type: GgufScalarType, count: number): GgufArray {
    if (type === "string") return Array.from({ length: count }, () => this.string());
    if (type === "bool") return Array.from({ length: count }, () => this.#bool());
    return this.#numbers(type, count);
  }

  #bool(): boolean {
    const byte = this.#bytes[this.#take(1)]!;
    if (byte > 1) throw this.bad(`a bool is ${byte}`);
    return byte === 1;
  }

  #numbers(type: keyof typeof GGUF_NUMBERS, count: number) {
    const begin = this.#take(count * scalarBytes(type));
    // A copy, since a typed array begins only at multiples of its element.
    return new GGUF_NUMBERS[type](this.#bytes.slice(begin, this.at).buffer);
  }

  bad(reason: string): Error {
    return badGguf(this.path, `${reason} (before byte ${this.at})`);
  }
}

function readVersion(cursor: Cursor): number {
  const magic = cursor.uint32();
  if (magic !== MAGIC) throw badGguf(cursor.path, 'it does not begin with "GGUF"');
  const version = cursor.uint32();
  if (version !== 0 && (version & 0xffff) === 0) {
    throw unsupportedGguf(cursor.path, "it is big-endian", "convert it on a little-endian machine");
  }
  if (version !== 2 && version !== 3) {
    const reason = `its version is ${version}, 2 and 3 are read`;
    throw unsupportedGguf(cursor.path, reason, "convert the model anew with a current llama.cpp");
  }
  return version;
}

function readMetadata(cursor: Cursor, count: number): GgufMetadata {
  const metadata = new Map<string, GgufField>();
  for (let i = 0; i < count; i++) {
    const key = cursor.string();
    if (metadata.has(key)) throw cursor.bad(`its metadata has "${key}" twice`);
    metadata.set(key, readField(cursor, key));
  }
  return metadata;
}

function readField(cursor: Cursor, key: string): GgufField {
  const type = valueType(cursor, key);
  if (type !== "array") return { type, value: cursor.scalar(type) };
  const elementType = valueType(cursor, key);
  if (elementType === "array") throw cursor.bad(`"${key}" is an array of arrays`);
  const count = cursor.count(`elements of "${key}"`, scalarBytes(elementType));
  return { type, elementType, value: cursor.array(elementType, count) };
}

function valueType(cursor: Cursor, key: string) {
  const id = cursor.uint32();
  const type = GGUF_VALUE_TYPES[id];
  if (type === undefined) throw cursor.bad(`"${key}" has an unknown type, ${id}`);
  return type;
}

/** A tensor's info, its offset counted from the first tensor. */
interface TensorInfo {
  readonly name: string;
  readonly dtype: GgufDtype;
  readonly shape: readonly number[];
  readonly offset: bigint;
  readonly bytes: number;
}

function readInfos(cursor: Cursor, count: number): TensorInfo[] {
  const names = new Set<string>();
  return Array.from({ length: count }, () => {
    const info = readInfo(cursor);
    if (names.has(info.name)) throw cursor.bad(`tensor "${info.name}" is there twice`);
    names.add(info.name);
    return info;
  });
}

function readInfo(cursor: Cursor): TensorInfo {
  const name = cursor.string();
  const rank = cursor.uint32();
  if (rank > 4) throw cursor.bad(`tensor "${name}" has ${rank} dimensions, 4 are the most`);
  const sizes = Array.from({ length: rank }, () => cursor.uint64());
  const typeId = cursor.uint32();
  const offset = cursor.uint64();
  const dtype = ggufDtype(typeId);
  if (dtype === undefined) throw unreadGgufType(cursor.path, name, unreadTypeName(typeId));
  const { blockSize } = GGUF_TENSOR_TYPES[dtype];
  const count = sizes.reduce((product, size) => product * size, 1n);
  // A dimension may be huge where another is 0.
  if ([...sizes, count].some((n) => n > BigInt(Number.MAX_SAFE_INTEGER))) {
    throw cursor.bad(`tensor "${name}" of shape [${sizes.toReversed().join(", ")}] is too large`);
  }
  const shape = sizes.map(Number).reverse();
  if ((shape.at(-1) ?? 1) % blockSize !== 0) {
    const reason = `tensor "${name}" of shape [${shape.join(", ")}] is ${dtype}`;
    throw cursor.bad(`${reason}, whose rows are multiples of ${blockSize}`);
  }
  return { name, dtype, shape, offset, bytes: dtypeBytes(dtype, Number(count)) };
}

/** What tensors begin at multiples of. @throws {OddsmithError} WeightsError BAD_HEADER. */
export function alignmentOf(path: string, metadata: GgufMetadata): number {
  const field = metadata.get("general.alignment");
  if (field === undefined) return GGUF_ALIGNMENT;
  const { type, value } = field;
  // A power of two.
  if (type === "uint32" && typeof value === "number" && value > 0 && (value & (value - 1)) === 0) {
    return value;
  }
  throw badGguf(path, `general.alignment is ${type} ${value}, expected a power of 2 as uint32`);
}

/** Checks that the tensors cover the rest of the file, padding aside. */
function placeTensors(
  { path, at, size }: Cursor,
  infos: readonly TensorInfo[],
  alignment: number,
): GgufTensorEntry[] {
  const start = alignUp(at, alignment);
  let end = infos.length === 0 ? at : start;
  const entries = infos.map(({ name, dtype, shape, offset, bytes }) => {
    const begin = alignUp(end, alignment);
    if (offset !== BigInt(begin - start)) {
      const reason = `tensor "${name}" begins at ${offset}, the tensors before it end at`;
      throw badGguf(path, `${reason} ${begin - start}`);
    }
    end = begin + bytes;
    return { name, dtype, shape, file: path, begin, end };
  });
  if (end > size) throw truncated(path, end, size);
  if (size > alignUp(end, alignment)) {
    throw badGguf(path, `${size - end} bytes after its last tensor belong to none`);
  }
  return entries;
}
