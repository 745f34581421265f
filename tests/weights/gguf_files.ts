/** GGUF files made for tests, in memory. */

import { Rng } from "../../src/base/rng.ts";
import {
  alignUp,
  dtypeBytes,
  GGUF_ALIGNMENT,
  GGUF_TENSOR_TYPES,
  type GgufDtype,
  type GgufField,
} from "../../src/weights/gguf_types.ts";
import { ggufHeaderBytes } from "../../src/weights/write_gguf.ts";

/** A tensor of random bytes. */
export interface TestTensor {
  readonly dtype: GgufDtype;
  readonly shape: readonly number[];
}

/** One metadata entry of every type. */
export const EVERY_FIELD: ReadonlyMap<string, GgufField> = new Map<string, GgufField>([
  ["general.architecture", { type: "string", value: "llama" }],
  ["a.uint8", { type: "uint8", value: 255 }],
  ["a.int8", { type: "int8", value: -128 }],
  ["a.uint16", { type: "uint16", value: 65535 }],
  ["a.int16", { type: "int16", value: -32768 }],
  ["a.uint32", { type: "uint32", value: 2 ** 32 - 1 }],
  ["a.int32", { type: "int32", value: -(2 ** 31) }],
  ["a.float32", { type: "float32", value: 1.5 }],
  ["a.bool", { type: "bool", value: true }],
  ["a.uint64", { type: "uint64", value: 2n ** 64n - 1n }],
  ["a.int64", { type: "int64", value: -(2n ** 63n) }],
  ["a.float64", { type: "float64", value: Math.PI }],
  ["b.strings", { type: "array", elementType: "string", value: ["", "Ġworld", "日本"] }],
  ["b.bools", { type: "array", elementType: "bool", value: [true, false] }],
  ["b.none", { type: "array", elementType: "string", value: [] }],
  ["b.bytes", { type: "array", elementType: "uint8", value: Uint8Array.of(1, 2, 3) }],
  ["b.scores", { type: "array", elementType: "float32", value: Float32Array.of(0.5, -1) }],
  ["b.types", { type: "array", elementType: "int32", value: Int32Array.of(1, -3) }],
  ["b.longs", { type: "array", elementType: "uint64", value: BigUint64Array.of(1n, 2n ** 60n) }],
]);

/** A tensor of every type that is read, two blocks each. */
export const EVERY_TENSOR: ReadonlyMap<string, TestTensor> = new Map(
  (Object.keys(GGUF_TENSOR_TYPES) as GgufDtype[]).map((dtype) => [
    `tensor.${dtype}`,
    { dtype, shape: dtype.startsWith("Q") ? [2, GGUF_TENSOR_TYPES[dtype].blockSize] : [3, 1, 2] },
  ]),
);

/** A whole file; the tensors' bytes are random. */
export function ggufBytes(
  metadata: ReadonlyMap<string, GgufField>,
  tensors: ReadonlyMap<string, TestTensor>,
): Uint8Array {
  const header = ggufHeaderBytes("test.gguf", metadata, tensors);
  const rng = Rng.fromSeed("gguf data");
  const data = [...tensors.values()].flatMap(({ dtype, shape }) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const length = alignUp(dtypeBytes(dtype, count), GGUF_ALIGNMENT);
    return Array.from({ length }, () => rng.int(256));
  });
  return Uint8Array.from([...header, ...data]);
}
