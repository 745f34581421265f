/** GGUF's number types against digests that llama.cpp's own Python package gave. */

import { assertEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import golden from "../golden/gguf_quants.json" with { type: "json" };
import { dequantize } from "../../src/weights/gguf_dequantize.ts";
import { type GgufOutDtype, quantize } from "../../src/weights/gguf_quantize.ts";
import { dtypeBytes, GGUF_TENSOR_TYPES, type GgufDtype } from "../../src/weights/gguf_types.ts";

/** The generator of tests/golden/gguf_quants.py. */
function words(seed: number): () => number {
  let word = seed;
  return () => word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
}

function randomBytes(count: number): Uint8Array {
  const next = words(1);
  return Uint8Array.from({ length: count }, () => next() >>> 24);
}

function randomNumbers(count: number): Float32Array {
  const next = words(2);
  const numbers = Float32Array.from(
    { length: count },
    (_, i) => (next() / 2 ** 31 - 1) * 2 ** ((i >> 5) % 32 - 24),
  );
  numbers.fill(0, 0, 32);
  numbers.set(Array.from({ length: 31 }, (_, i) => (i - 16) * 8 + 0.5), 32);
  numbers[63] = 127;
  return numbers;
}

function digest(array: Float32Array | Uint8Array): string {
  const bits = array instanceof Float32Array ? new Uint32Array(array.buffer.slice(0)) : array;
  array.forEach((value, i) => {
    if (Number.isNaN(value)) bits[i] = 0x7fc00000;
  });
  return createHash("sha256").update(new Uint8Array(bits.buffer)).digest("hex");
}

for (const [name, expected] of Object.entries(golden.read)) {
  Deno.test(`dequantize: ${name} is the reference's, bit for bit`, () => {
    const { blockBytes, blockSize } = GGUF_TENSOR_TYPES[name as GgufDtype];
    const values = dequantize(name as GgufDtype, randomBytes(golden.blocks * blockBytes));
    assertEquals(values.length, golden.blocks * blockSize);
    assertEquals(values.filter(Number.isNaN).length, expected.nans);
    assertEquals(values.filter(Number.isFinite).at(-1), expected.last);
    assertEquals(digest(values), expected.sha256);
  });
}

for (const [name, expected] of Object.entries(golden.written)) {
  Deno.test(`quantize: ${name} is the reference's, bit for bit`, () => {
    const bytes = quantize(name as GgufOutDtype, randomNumbers(golden.numbers));
    assertEquals(bytes.length, expected.bytes);
    assertEquals(digest(bytes), expected.sha256);
  });
}

Deno.test("dequantize: every type that is read has a golden", () => {
  assertEquals(Object.keys(golden.read).sort(), Object.keys(GGUF_TENSOR_TYPES).sort());
});

Deno.test("quantize: what is written comes back within the type's rounding", () => {
  const values = randomNumbers(1024);
  const bounds = { F32: 0, F16: 2 ** -11, BF16: 2 ** -8, Q8_0: 1 / 127 };
  for (const [name, bound] of Object.entries(bounds)) {
    const back = dequantize(name as GgufDtype, quantize(name as GgufOutDtype, values));
    for (let block = 0; block < values.length; block += 32) {
      const largest = Math.max(...values.subarray(block, block + 32).map(Math.abs));
      for (let i = block; i < block + 32; i++) {
        const error = Math.abs(back[i]! - values[i]!);
        // Scales below 2^-14 are subnormal halves, off by up to 2^-25 a step of 127.
        assertEquals(error <= bound * largest + 2 ** -18, true, `${name} ${i}: ${error}`);
      }
    }
  }
});

Deno.test("quantize: Q8_0 of a part of a block is refused", () => {
  assertEquals(dtypeBytes("Q8_0", 64), 68);
  assertThrows(() => quantize("Q8_0", new Float32Array(33)), RangeError);
});
