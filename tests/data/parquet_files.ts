/** Parquet files of one text column, "a", whose numbers say what a test wants them to say. */

/** A field of a Thrift struct: its number and what it holds. */
export type Field = readonly [id: number, value: Value];
type Value = number | bigint | string | Uint8Array | readonly Field[] | { list: readonly Value[] };

/** A file's claims; each defaults to the truth about three short texts, each the one before and more. */
export interface Claims {
  /** Rows, of the file and of its row group. */
  rows?: number;
  /** Values of the column. */
  values?: number;
  /** As CompressionCodec counts them. */
  codec?: number;
  /** The page's header. */
  pageHeader?: readonly Field[];
  /** The page, as it lies in the file. */
  page?: Uint8Array;
  /** Put in place of the metadata. */
  metadata?: Uint8Array;
  /** OPTIONAL in place of REQUIRED. */
  optional?: boolean;
}

const encoder = new TextEncoder();

/** The texts' page: four bytes of length before each. */
export function plainPage(texts: readonly string[]): Uint8Array {
  return concat(texts.flatMap((text) => [uint32(text.length), encoder.encode(text)]));
}

/** The header of a data page of the first version. */
export function pageHeader(
  size: number,
  plainSize: number,
  values: number,
  encoding = 0,
): Field[] {
  return [[1, 0], [2, plainSize], [3, size], [5, [[1, values], [2, encoding], [3, 3], [4, 3]]]];
}

/** Makes a file. */
export function parquetFile(claims: Claims = {}): Uint8Array<ArrayBuffer> {
  const page = claims.page ?? plainPage(["x", "xy", "xyz"]);
  const { rows = 3, codec = 0 } = claims;
  const values = claims.values ?? rows;
  const head = struct(claims.pageHeader ?? pageHeader(page.length, page.length, values));
  const size = head.length + page.length;
  const column: Field[] = [
    [1, 6],
    [2, { list: [0] }],
    [3, { list: ["a"] }],
    [4, codec],
    [5, BigInt(values)],
    [6, BigInt(size)],
    [7, BigInt(size)],
    [9, 4n],
  ];
  const metadata = claims.metadata ?? struct([
    [1, 1],
    [2, {
      list: [
        [[4, "schema"], [5, 1]],
        [[1, 6], [3, claims.optional ? 1 : 0], [4, "a"], [6, 0]],
      ],
    }],
    [3, BigInt(rows)],
    [4, {
      list: [[[1, { list: [[[2, 4n], [3, column]]] }], [2, BigInt(size)], [3, BigInt(rows)]]],
    }],
  ]);
  const magic = encoder.encode("PAR1");
  return concat([magic, head, page, metadata, uint32(metadata.length), magic]);
}

/** Bytes of a number, seven a byte. */
export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest));
}

/** Four bytes of a number. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Joins parts. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** A struct in the compact protocol. */
export function struct(fields: readonly Field[]): Uint8Array {
  let before = 0;
  const parts = fields.flatMap(([id, value]) => {
    const head = (id - before) << 4 | typeOf(value);
    before = id;
    return [Uint8Array.of(head), written(value)];
  });
  return concat([...parts, Uint8Array.of(0)]);
}

function typeOf(value: Value): number {
  if (typeof value === "number") return 5;
  if (typeof value === "bigint") return 6;
  if (typeof value === "string" || value instanceof Uint8Array) return 8;
  return "list" in value ? 9 : 12;
}

function written(value: Value): Uint8Array {
  if (typeof value === "number" || typeof value === "bigint") return varint(zigzag(BigInt(value)));
  const bytes = typeof value === "string" ? encoder.encode(value) : value;
  if (bytes instanceof Uint8Array) return concat([varint(bytes.length), bytes]);
  if (!("list" in bytes)) return struct(bytes);
  const { list } = bytes;
  return concat([Uint8Array.of(list.length << 4 | typeOf(list[0]!)), ...list.map(written)]);
}

function zigzag(value: bigint): bigint {
  return value < 0n ? -2n * value - 1n : 2n * value;
}
