/**
 * ggml's number types as float32, bit for bit what its reference C code gives. Every product and
 * sum below is exact in float64 (scales have 11 bits, quants 6), so the one rounding at the store
 * is the C code's. Q2_K to Q6_K are in gguf_k_quants.ts.
 */

import { dequantizeQ2K, dequantizeQ3K, dequantizeQ6K } from "./gguf_k_quants.ts";
import { dequantizeQ4K, dequantizeQ5K } from "./gguf_k_quants.ts";
import { GGUF_TENSOR_TYPES, type GgufDtype } from "./gguf_types.ts";

/** Fills `out` with the numbers of `bytes`, whole blocks of them. */
export type Dequantizer = (bytes: Uint8Array, out: Float32Array) => void;

const DEQUANTIZERS: Readonly<Record<GgufDtype, Dequantizer>> = {
  F32: (bytes, out) => out.set(new Float32Array(bytes.buffer, bytes.byteOffset, out.length)),
  F16: (bytes, out) => out.set(new Float16Array(bytes.buffer, bytes.byteOffset, out.length)),
  BF16: (bytes, out) => {
    const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, out.length);
    const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i < out.length; i++) bits[i] = halves[i]! << 16;
  },
  Q4_0: dequantizeQ4_0,
  Q4_1: dequantizeQ4_1,
  Q5_0: dequantizeQ5_0,
  Q5_1: dequantizeQ5_1,
  Q8_0: dequantizeQ8_0,
  Q2_K: dequantizeQ2K,
  Q3_K: dequantizeQ3K,
  Q4_K: dequantizeQ4K,
  Q5_K: dequantizeQ5K,
  Q6_K: dequantizeQ6K,
};

/**
 * Gives the numbers of a tensor.
 *
 * @param bytes Whole blocks, in a buffer of their own or at a multiple of 4 in another's.
 */
export function dequantize(dtype: GgufDtype, bytes: Uint8Array): Float32Array {
  const { blockSize, blockBytes } = GGUF_TENSOR_TYPES[dtype];
  const out = new Float32Array(bytes.length / blockBytes * blockSize);
  DEQUANTIZERS[dtype](bytes, out);
  return out;
}

/** Half-precision scales of the blocks, whose bytes need not be aligned. */
const scalesOf = (bytes: Uint8Array): (at: number) => number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (at) => view.getFloat16(at, true);
};

/** Low nibbles are a block's first 16 numbers, high ones its last 16. */
function dequantizeQ4_0(bytes: Uint8Array, out: Float32Array): void {
  const scale = scalesOf(bytes);
  for (let at = 0, to = 0; to < out.length; at += 18, to += 32) {
    const d = scale(at);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 2 + i]!;
      out[to + i] = d * ((pair & 15) - 8);
      out[to + 16 + i] = d * ((pair >> 4) - 8);
    }
  }
}

function dequantizeQ4_1(bytes: Uint8Array, out: Float32Array): void {
  const scale = scalesOf(bytes);
  for (let at = 0, to = 0; to < out.length; at += 20, to += 32) {
    const d = scale(at);
    const m = scale(at + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 4 + i]!;
      out[to + i] = d * (pair & 15) + m;
      out[to + 16 + i] = d * (pair >> 4) + m;
    }
  }
}

/** The fifth bit of number i is bit i of a little-endian word. */
function fifthBit(bytes: Uint8Array, at: number, i: number): number {
  return ((bytes[at + (i >> 3)]! >> (i & 7)) & 1) << 4;
}

function dequantizeQ5_0(bytes: Uint8Array, out: Float32Array): void {
  const scale = scalesOf(bytes);
  for (let at = 0, to = 0; to < out.length; at += 22, to += 32) {
    const d = scale(at);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 6 + i]!;
      out[to + i] = d * ((pair & 15 | fifthBit(bytes, at + 2, i)) - 16);
      out[to + 16 + i] = d * ((pair >> 4 | fifthBit(bytes, at + 2, i + 16)) - 16);
    }
  }
}

function dequantizeQ5_1(bytes: Uint8Array, out: Float32Array): void {
  const scale = scalesOf(bytes);
  for (let at = 0, to = 0; to < out.length; at += 24, to += 32) {
    const d = scale(at);
    const m = scale(at + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 8 + i]!;
      out[to + i] = d * (pair & 15 | fifthBit(bytes, at + 4, i)) + m;
      out[to + 16 + i] = d * (pair >> 4 | fifthBit(bytes, at + 4, i + 16)) + m;
    }
  }
}

function dequantizeQ8_0(bytes: Uint8Array, out: Float32Array): void {
  const scale = scalesOf(bytes);
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, to = 0; to < out.length; at += 34, to += 32) {
    const d = scale(at);
    for (let i = 0; i < 32; i++) out[to + i] = d * signed[at + 2 + i]!;
  }
}
