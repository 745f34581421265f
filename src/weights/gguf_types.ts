/**
 * GGUF's own tables: the value types of its metadata and the number types of its tensors, by the
 * ids and the names that ggml gives them. It reads and writes nothing.
 */

/** Metadata value types in the order of their ids; "array" holds elements of one of the others. */
export const GGUF_VALUE_TYPES = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "float32",
  "bool",
  "string",
  "array",
  "uint64",
  "int64",
  "float64",
] as const;

/** A metadata value's type. */
export type GgufValueType = typeof GGUF_VALUE_TYPES[number];

/** The type of a single value, or of an array's elements. */
export type GgufScalarType = Exclude<GgufValueType, "array">;

/** A single value; 64-bit integers are bigint. */
export type GgufScalar = number | bigint | boolean | string;

/** An array's values: numbers as the typed array of their type. */
export type GgufArray =
  | readonly string[]
  | readonly boolean[]
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | BigUint64Array
  | BigInt64Array
  | Float64Array;

/** One metadata entry's value with its type. */
export type GgufField =
  | { readonly type: GgufScalarType; readonly value: GgufScalar }
  | { readonly type: "array"; readonly elementType: GgufScalarType; readonly value: GgufArray };

/** Metadata by key, in the file's order. */
export type GgufMetadata = ReadonlyMap<string, GgufField>;

type NumberType = Exclude<GgufScalarType, "bool" | "string">;

/** The typed array that holds numbers of a type. */
export const GGUF_NUMBERS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float64: Float64Array,
} as const satisfies Record<NumberType, unknown>;

/** Bytes a value takes; a string's are those of its length alone. */
export function scalarBytes(type: GgufScalarType): number {
  if (type === "bool") return 1;
  return type === "string" ? 8 : GGUF_NUMBERS[type].BYTES_PER_ELEMENT;
}

/** How a tensor's numbers are stored: `blockSize` of them in `blockBytes` bytes. */
export interface GgufTensorType {
  readonly id: number;
  readonly blockSize: number;
  readonly blockBytes: number;
}

/** The number types that are read, by name. */
export const GGUF_TENSOR_TYPES = {
  F32: { id: 0, blockSize: 1, blockBytes: 4 },
  F16: { id: 1, blockSize: 1, blockBytes: 2 },
  Q4_0: { id: 2, blockSize: 32, blockBytes: 18 },
  Q4_1: { id: 3, blockSize: 32, blockBytes: 20 },
  Q5_0: { id: 6, blockSize: 32, blockBytes: 22 },
  Q5_1: { id: 7, blockSize: 32, blockBytes: 24 },
  Q8_0: { id: 8, blockSize: 32, blockBytes: 34 },
  Q2_K: { id: 10, blockSize: 256, blockBytes: 84 },
  Q3_K: { id: 11, blockSize: 256, blockBytes: 110 },
  Q4_K: { id: 12, blockSize: 256, blockBytes: 144 },
  Q5_K: { id: 13, blockSize: 256, blockBytes: 176 },
  Q6_K: { id: 14, blockSize: 256, blockBytes: 210 },
  BF16: { id: 30, blockSize: 1, blockBytes: 2 },
} as const satisfies Record<string, GgufTensorType>;

/** A number type that is read. */
export type GgufDtype = keyof typeof GGUF_TENSOR_TYPES;

const DTYPES: ReadonlyMap<number, GgufDtype> = new Map(
  (Object.keys(GGUF_TENSOR_TYPES) as GgufDtype[]).map((
    name,
  ) => [GGUF_TENSOR_TYPES[name].id, name]),
);

/** Types that ggml has and this reader does not, for messages. */
const UNREAD: ReadonlyMap<number, string> = new Map([
  [9, "Q8_1"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [20, "IQ4_NL"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [23, "IQ4_XS"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [29, "IQ1_M"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
  [39, "MXFP4"],
]);

/** The type of an id, or undefined where it is not read. */
export function ggufDtype(id: number): GgufDtype | undefined {
  return DTYPES.get(id);
}

/** What to call a type that is not read. */
export function unreadTypeName(id: number): string {
  return UNREAD.get(id) ?? `type ${id}`;
}

/** Bytes that `count` numbers take; `count` is whole blocks. */
export function dtypeBytes(dtype: GgufDtype, count: number): number {
  const { blockSize, blockBytes } = GGUF_TENSOR_TYPES[dtype];
  return count / blockSize * blockBytes;
}

/** The next multiple of `alignment`. */
export function alignUp(at: number, alignment: number): number {
  return Math.ceil(at / alignment) * alignment;
}

/** Where tensors start unless general.alignment says otherwise: multiples of so many bytes. */
export const GGUF_ALIGNMENT = 32;
