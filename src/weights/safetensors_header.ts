/**
 * The header of a safetensors file: 8 bytes of length, JSON, then the tensors' bytes without gap or
 * overlap. Headers are not trusted: everything is checked against the file's size before use.
 */

import { badHeader, truncated } from "./errors.ts";

/** Bits an element, by dtype as the format spells it. */
const DTYPE_BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
};

/** The format's own limit on a header. */
const MAX_HEADER_BYTES = 100_000_000;

/** Where a tensor lies. */
export interface TensorEntry {
  readonly name: string;
  /** As the format spells it: "F32", "BF16". */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file: string;
  /** First byte in the file, and the first after the tensor. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads and checks a file's header.
 *
 * @throws {OddsmithError} WeightsError TRUNCATED or BAD_HEADER.
 */
export async function readHeader(path: string): Promise<TensorEntry[]> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  const dataStart = headerEnd(path, await readBytes(file, Math.min(size, 8)), size);
  return parseEntries(path, await readBytes(file, dataStart - 8), size);
}

/** Where the tensors' bytes begin, by the file's first 8. @throws As `readHeader`. */
export function headerEnd(path: string, first: Uint8Array, size: number): number {
  if (size < 8) throw truncated(path, 8, size);
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) throw badHeader(path, `its header claims ${length} bytes`);
  const dataStart = 8 + Number(length);
  if (dataStart > size) throw truncated(path, dataStart, size);
  return dataStart;
}

/** The tensors of a header's JSON, checked against the file's size. @throws As `readHeader`. */
export function parseEntries(path: string, json: Uint8Array, size: number): TensorEntry[] {
  const dataStart = 8 + json.length;
  const members = parseHeader(path, json);
  const entries = [...members].map(([name, value]) => checkEntry(path, name, value, dataStart));
  checkLayout(path, entries, dataStart, size);
  return entries;
}

/** Reads exactly `length` bytes from where the file stands. */
export async function readBytes(file: Deno.FsFile, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) throw new Deno.errors.UnexpectedEof();
    at += count;
  }
  return bytes;
}

function parseHeader(path: string, bytes: Uint8Array): Map<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch {
    throw badHeader(path, "its header is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw badHeader(path, "its header is no JSON object");
  }
  const members = new Map(Object.entries(header));
  if (countMembers(text) !== members.size) {
    throw badHeader(path, "its header names a tensor twice");
  }
  members.delete("__metadata__");
  return members;
}

/** Members of the outermost object, repeated names counted each time (JSON.parse keeps the last). */
function countMembers(json: string): number {
  let depth = 0;
  let count = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (inString) {
      if (char === "\\") i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    else if (char === ":" && depth === 1) count++;
  }
  return count;
}

function checkEntry(path: string, name: string, value: unknown, dataStart: number): TensorEntry {
  const fail = (reason: string) => badHeader(path, `tensor "${name}" ${reason}`);
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const bits = typeof dtype === "string" ? DTYPE_BITS[dtype] : undefined;
  if (bits === undefined) throw fail(`has an unknown dtype, ${shown(dtype)}`);
  if (!isCounts(shape)) throw fail(`has no proper shape, ${shown(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw fail(`has no proper data_offsets, ${shown(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, size) => product * size, bits / 8);
  if (bytes !== end - begin) {
    throw fail(`of shape [${shape.join(", ")}] takes ${bytes} bytes, its offsets ${end - begin}`);
  }
  return {
    name,
    dtype: dtype as string,
    shape,
    file: path,
    begin: dataStart + begin,
    end: dataStart + end,
  };
}

function shown(value: unknown): string {
  return value === undefined ? "none" : JSON.stringify(value).slice(0, 100);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/** The tensors must cover the rest of the file, each byte once. */
function checkLayout(path: string, entries: TensorEntry[], start: number, size: number): void {
  let at = start;
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin < at) throw badHeader(path, `tensor "${entry.name}" overlaps another`);
    if (entry.begin > at) throw badHeader(path, `there is a gap before tensor "${entry.name}"`);
    at = entry.end;
  }
  if (at > size) throw truncated(path, at, size);
  if (at < size) throw badHeader(path, `${size - at} bytes after its last tensor belong to none`);
}
