/**
 * The pages of a column chunk, checked before the library decodes them: their headers, sizes,
 * checksums, levels and indices. What a page claims is never more than its bytes stand for.
 */

import type { ColumnMetaData, PageHeader, SchemaTree } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from "hyparquet/src/schema.js";
import { crc32 } from "node:zlib";
import { decompressPage } from "./codecs.ts";
import { type Runs, walkDeltas, walkRuns } from "./runs.ts";
import { structEnd } from "./thrift.ts";

/** What is left of what a row group may take. */
export interface Budget {
  /** Of pages, decompressed. */
  bytes: number;
  /** Values a column. */
  readonly values: number;
}

/** A column chunk that was checked. */
export interface CheckedPages {
  /** Decompressed values of pages, by where they lie compressed in the chunk. */
  readonly plain: ReadonlyMap<number, Uint8Array>;
  /** Where the last page ends. */
  readonly end: number;
}

/**
 * Checks all pages of a column chunk.
 *
 * @param budget What they take is taken from it.
 * @throws Error that says what is wrong.
 */
export function checkPages(
  chunk: ArrayBuffer,
  column: ColumnMetaData,
  path: SchemaTree[],
  budget: Budget,
): CheckedPages {
  const walk = new PageWalk(chunk, column, path, budget);
  const values = Number(column.num_values);
  if (!(values >= 0 && values <= budget.values)) {
    throw new Error(`column "${path.at(-1)!.path.join(".")}" claims ${values} values`);
  }
  while (walk.values < values) walk.page();
  if (walk.values > values) throw new Error(`its pages hold ${walk.values} values, not ${values}`);
  return { plain: walk.plain, end: walk.at };
}

/** Levels of a page, or of none. */
const NO_LEVELS: Runs = { end: 0, greatest: 0 };

class PageWalk {
  readonly plain = new Map<number, Uint8Array>();
  at = 0;
  values = 0;
  readonly #view: DataView;
  readonly #column: ColumnMetaData;
  readonly #typeLength: number;
  readonly #budget: Budget;
  readonly #repetition: number;
  readonly #definition: number;
  #dictionary: number | undefined;

  constructor(chunk: ArrayBuffer, column: ColumnMetaData, path: SchemaTree[], budget: Budget) {
    this.#view = new DataView(chunk);
    this.#column = column;
    this.#typeLength = path.at(-1)!.element.type_length ?? 0;
    this.#budget = budget;
    this.#repetition = getMaxRepetitionLevel(path);
    this.#definition = getMaxDefinitionLevel(path);
  }

  /** Checks the next page. */
  page(): void {
    const start = structEnd(this.#view, this.at);
    const header = parquetHeader({ view: this.#view, offset: this.at });
    const { compressed_page_size: size, uncompressed_page_size: plainSize } = header;
    if (!isSize(size) || !isSize(plainSize)) throw new Error("a page does not tell its size");
    if (size > this.#view.byteLength - start) {
      throw new Error(`a page of ${size} bytes where ${this.#view.byteLength - start} are left`);
    }
    this.#budget.bytes -= plainSize;
    if (this.#budget.bytes < 0) throw new Error(`a page claims to hold ${plainSize} bytes`);
    const bytes = new Uint8Array(this.#view.buffer, start, size);
    if (header.crc !== undefined && (header.crc | 0) !== (crc32(bytes) | 0)) {
      throw new Error("a page's checksum does not fit its bytes");
    }
    this.at = start + size;
    if (header.type === "DICTIONARY_PAGE") this.#checkDictionary(header, bytes);
    else if (header.type === "DATA_PAGE") this.#checkData(header, bytes);
    else if (header.type === "DATA_PAGE_V2") this.#checkDataV2(header, bytes);
    else throw new Error("a page of an unknown type");
  }

  #checkDictionary(header: PageHeader, bytes: Uint8Array): void {
    const count = header.dictionary_page_header?.num_values;
    const page = this.#decompress(bytes, header.uncompressed_page_size);
    if (this.#dictionary !== undefined) throw new Error("a second dictionary");
    if (!isSize(count)) throw new Error("a dictionary that tells no size");
    this.#checkPlain(count, page.length);
    this.#dictionary = count;
  }

  #checkData(header: PageHeader, bytes: Uint8Array): void {
    const data = header.data_page_header;
    if (!data) throw new Error("a page without its header");
    const count = this.#count(data.num_values);
    const page = this.#decompress(bytes, header.uncompressed_page_size);
    const view = viewOf(page);
    const levels = (at: number, most: number, encoding: string): Runs => {
      if (most === 0) return { end: at, greatest: count };
      if (encoding !== "RLE") throw new Error("levels in an encoding that is not read");
      const end = lengthBefore(view, at);
      const { greatest } = walkRuns(view, at + 4, end, { width: widthOf(most), count, most });
      return { end, greatest };
    };
    const repetition = levels(0, this.#repetition, data.repetition_level_encoding);
    const definition = levels(repetition.end, this.#definition, data.definition_level_encoding);
    this.#checkValues(view, definition.end, definition.greatest, data.encoding, false);
  }

  #checkDataV2(header: PageHeader, bytes: Uint8Array): void {
    const data = header.data_page_header_v2;
    if (!data) throw new Error("a page without its header");
    const count = this.#count(data.num_values);
    const [first, second] = [
      data.repetition_levels_byte_length,
      data.definition_levels_byte_length,
    ];
    const levelBytes = first + second;
    if (!isSize(first) || !isSize(second) || levelBytes > bytes.length) {
      throw new Error("a page's levels are longer than the page");
    }
    const view = viewOf(bytes);
    const levels = (at: number, length: number, most: number): Runs => {
      if (most > 0) return walkRuns(view, at, at + length, { width: widthOf(most), count, most });
      if (length > 0) throw new Error("levels that its schema does not have");
      return { ...NO_LEVELS, greatest: count };
    };
    levels(0, first, this.#repetition);
    const { greatest } = levels(first, second, this.#definition);
    if (data.num_nulls !== count - greatest) {
      throw new Error("a page's header counts other missing values than there are");
    }
    const values = bytes.subarray(levelBytes);
    const page = data.is_compressed === false
      ? values
      : this.#decompress(values, header.uncompressed_page_size - levelBytes);
    this.#checkValues(viewOf(page), 0, greatest, data.encoding, true);
  }

  /** Values of a page, levels of missing ones included. */
  #count(values: number): number {
    if (!isSize(values) || values > Number(this.#column.num_values) - this.values) {
      throw new Error("a page claims more values than its column");
    }
    this.values += values;
    return values;
  }

  #decompress(bytes: Uint8Array, length: number): Uint8Array {
    const page = decompressPage(this.#column.codec, bytes, length);
    this.plain.set(bytes.byteOffset, page);
    return page;
  }

  #checkValues(
    view: DataView,
    start: number,
    count: number,
    encoding: string,
    isV2: boolean,
  ): void {
    const end = view.byteLength;
    switch (encoding) {
      case "RLE":
        return void walkRuns(view, start + 4, lengthBefore(view, start), {
          width: 1,
          count,
          most: 1,
        });
      case "PLAIN_DICTIONARY":
      case "RLE_DICTIONARY": {
        if (this.#dictionary === undefined) throw new Error("indices without a dictionary");
        if (count === 0 && start === end) return;
        if (start >= end) throw new Error("its indices are cut short");
        const width = view.getUint8(start);
        const most = this.#dictionary - 1;
        // Indices of no bits are all 0, and a page of the first version then has none.
        if (width > 0 || isV2) walkRuns(view, start + 1, end, { width, count, most });
        else if (count > 0 && most < 0) throw new Error("indices into an empty dictionary");
        return;
      }
      case "DELTA_BINARY_PACKED":
      case "DELTA_LENGTH_BYTE_ARRAY":
        return void walkDeltas(view, start, count);
      case "DELTA_BYTE_ARRAY":
        return this.#checkPrefixes(view, start, count);
      case "PLAIN":
      case "BYTE_STREAM_SPLIT":
        return this.#checkPlain(count, end - start);
      default:
        throw new Error("values in an encoding that is not read");
    }
  }

  /** Values that each have bytes of their own. */
  #checkPlain(count: number, bytes: number): void {
    const least = leastBytes(this.#column.type, this.#typeLength);
    if (count * least > bytes) throw new Error(`${count} values in ${bytes} bytes`);
  }

  /** Texts that each begin with a part of the one before: together they may grow without end. */
  #checkPrefixes(view: DataView, start: number, count: number): void {
    const second = walkDeltas(view, start, count);
    const third = walkDeltas(view, second, count);
    const lengthsAt = (offset: number): Int32Array => {
      const lengths = new Int32Array(count);
      deltaBinaryUnpack({ view, offset }, count, lengths);
      return lengths;
    };
    const [prefixes, suffixes] = [lengthsAt(start), lengthsAt(second)];
    let before = 0;
    let at = third;
    for (let i = 0; i < count; i++) {
      const [prefix, suffix] = [prefixes[i]!, suffixes[i]!];
      if (!(prefix >= 0 && prefix <= before && suffix >= 0)) {
        throw new Error("lengths that do not fit");
      }
      before = prefix + suffix;
      at += suffix;
      this.#budget.bytes -= before;
    }
    if (at > view.byteLength || this.#budget.bytes < 0) throw new Error("lengths that do not fit");
  }
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Bits of a level. */
function widthOf(most: number): number {
  return 32 - Math.clz32(most);
}

/** Where the part ends whose length stands before it. */
function lengthBefore(view: DataView, at: number): number {
  if (at + 4 > view.byteLength) throw new Error("its values are cut short");
  const end = at + 4 + view.getUint32(at, true);
  if (end > view.byteLength) throw new Error("its values are cut short");
  return end;
}

/** Bytes that a value takes at least. */
function leastBytes(type: string, typeLength: number): number {
  switch (type) {
    case "BOOLEAN":
      return 1 / 8;
    case "INT64":
    case "DOUBLE":
      return 8;
    case "INT96":
      return 12;
    case "FIXED_LEN_BYTE_ARRAY":
      return Math.max(typeLength, 1);
    default:
      return 4;
  }
}
