import { assert, assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";
import { NF4_CODE_BOOK, type PackedFormat } from "../../src/tensor/packed_format.ts";
import {
  packedBytes,
  type PackedMatrix,
  packedMatrix,
  packMatrix,
  packValues,
  unpackValues,
} from "../../src/tensor/packed_matrix.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { unpackRows } from "../../src/tensor/unpack.ts";
import { forEachBackend } from "./backends.ts";

const BLOCK = 64;
const FORMATS: readonly PackedFormat[] = ["f16", "int8", "nf4"];

/** Blocks of magnitudes from 1e-30 to 1e30, one of zeros, one with ties and both ends. */
function awkwardValues(): Float32Array {
  const rng = Rng.fromSeed("weights");
  const values = new Float32Array(9 * BLOCK);
  for (let i = 0; i < values.length; i++) values[i] = rng.normal();
  for (const [block, scale] of [[1, 0], [2, 1e-30], [3, 1e30], [4, 0.02], [5, 1e-40]] as const) {
    for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) values[i]! *= scale;
  }
  for (let i = 0; i < BLOCK; i++) values[6 * BLOCK + i] = (i - 32) / 32;
  for (let i = 0; i < 15; i++) {
    values[7 * BLOCK + i] = (NF4_CODE_BOOK[i]! + NF4_CODE_BOOK[i + 1]!) / 2;
  }
  values[7 * BLOCK + 63] = -1;
  return values;
}

function pack(values: Float32Array | Float16Array, format: PackedFormat): Int32Array {
  const words = new Int32Array(packedBytes([1, values.length], format) / 4);
  packValues(values, format, words);
  return words;
}

const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]!;

/** The words of one block, by search. */
function oracle(
  block: Float32Array,
  format: "int8" | "nf4",
): { words: number[]; levels: number[] } {
  const absmax = Math.max(...block.map(Math.abs));
  let scale = Math.fround(format === "int8" ? absmax / 127 : absmax);
  if (scale < 2 ** -126) scale = 0;
  const levels = format === "int8"
    ? Array.from({ length: 255 }, (_, i) => (i - 127) * scale)
    : NF4_CODE_BOOK.map((code) => code * scale);
  const [bits, first] = format === "int8" ? [8, -127] : [4, 0];
  const words = [bitsOf(scale)];
  for (const [i, value] of block.entries()) {
    let best = format === "int8" ? 127 : 7;
    for (const [at, level] of levels.entries()) {
      if (Math.abs(level - value) < Math.abs(levels[best]! - value)) best = at;
    }
    const word = 1 + Math.floor(i * bits / 32);
    words[word] = (words[word] ?? 0) | ((best + first) & (2 ** bits - 1)) << (i * bits % 32);
  }
  return { words, levels };
}

Deno.test("packValues: int8 and nf4 choose the nearest level, as a search does", () => {
  const values = awkwardValues();
  for (const format of ["int8", "nf4"] as const) {
    const words = pack(values, format);
    const unpacked = unpackValues(words, format);
    const size = words.length / 9;
    for (let block = 0; block < 9; block++) {
      const given = values.subarray(block * BLOCK, (block + 1) * BLOCK);
      const { words: expected, levels } = oracle(given, format);
      const read = unpacked.subarray(block * BLOCK, (block + 1) * BLOCK);
      // At a tie either neighbour is nearest: errors are compared, not codes.
      const nearest = given.map((x) => Math.min(...levels.map((level) => Math.abs(level - x))));
      for (let i = 0; i < BLOCK; i++) {
        const error = Math.abs(read[i]! - given[i]!);
        const slack = 1e-6 * Math.abs(given[i]!);
        assert(error <= nearest[i]! + slack, `${format} ${block} ${i}: ${read[i]} for ${given[i]}`);
      }
      if (block < 6) {
        assertEquals([...words.subarray(block * size, (block + 1) * size)], expected, format);
      }
    }
  }
});

Deno.test("packValues: errors stay within the formats' bounds", () => {
  const values = awkwardValues();
  const bounds = { f16: 2 ** -11, int8: 0.5 / 127, nf4: (1 - 0.6961928) / 2 };
  for (const format of FORMATS) {
    const unpacked = unpackValues(pack(values, format), format);
    for (let i = 0; i < values.length; i++) {
      const block = Math.floor(i / BLOCK);
      if (format === "f16" && (block === 2 || block === 3 || block === 5)) continue;
      const given = values.subarray(block * BLOCK, (block + 1) * BLOCK);
      const absmax = Math.max(...given.map(Math.abs));
      const allowed = bounds[format] * (1 + 1e-6) * absmax + 2 ** -126 * 127;
      assert(Math.abs(unpacked[i]! - values[i]!) <= allowed, `${format} ${i}`);
    }
    assertEquals(
      unpackValues(pack(unpacked, format), format),
      unpacked,
      `what a "${format}" block holds is kept as it is`,
    );
  }
});

Deno.test("NF4_CODE_BOOK: is the quantiles of a normal distribution, as published", () => {
  const density = (x: number) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  /** P(X <= x) by Simpson's rule. */
  const below = (x: number) => {
    const steps = 2000;
    let sum = density(0) + density(x);
    for (let i = 1; i < steps; i++) sum += (i % 2 ? 4 : 2) * density(x * i / steps);
    return 0.5 + sum * x / steps / 3;
  };
  const quantile = (p: number) => {
    let [low, high] = [-4, 4];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (below(middle) < p) low = middle;
      else high = middle;
    }
    return low;
  };
  // Between the outermost quantiles: 8 of the lower half, 9 of the upper, which share the 0.
  const offset = (1 - 1 / 32 + 1 - 1 / 30) / 2;
  const half = (count: number) =>
    Array.from({ length: count }, (_, i) => quantile(offset - (offset - 0.5) * i / count));
  const [upper, lower] = [half(8), half(7)];
  const largest = upper[0]!;
  const expected = [...lower.map((x) => -x), 0, ...upper.toReversed()].map((x) => x / largest);
  expected[0] = -1;
  assertEquals(NF4_CODE_BOOK.map(Math.fround), NF4_CODE_BOOK);
  for (const [code, value] of expected.entries()) {
    assert(Math.abs(NF4_CODE_BOOK[code]! - value) < 2e-6, `${code}: ${value}`);
  }
});

Deno.test("packValues: halves round to even, keep halves, and overflow to infinity", () => {
  const values = [1, -2.5, 65504, 1e-7, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 70_000, -0];
  const expected = [1, -2.5, 65504, 2 ** -23, 1, 1 + 2 ** -9, Infinity, -0];
  for (const given of [Float32Array.from(values), Float16Array.from(values)]) {
    assertEquals([...unpackValues(pack(given, "f16"), "f16")], expected);
  }
});

forEachBackend("unpackRows: gives the packed values bit by bit, any run of rows", async () => {
  const before = tf.memory().numTensors;
  for (const format of FORMATS) {
    for (const columns of format === "f16" ? [62, 64] : [64, 192]) {
      const values = awkwardValues().map((x) => Math.abs(x) > 1e29 ? 1 : x);
      const rows = Math.floor(values.length / columns);
      const given = values.subarray(0, rows * columns);
      const matrix = packMatrix(given, [rows, columns], format);
      assertEquals(matrix.bytes, 4 * matrix.rowsOf.size);
      const expected = unpackValues(pack(given, format), format);
      const all = await takeFloats(unpackRows(matrix));
      const some = await takeFloats(unpackRows(matrix, 1, 2));
      // f16: a device may read subnormal halves as 0.
      const clean = (xs: Float32Array) => xs.map((x) => Math.abs(x) < 2 ** -14 ? 0 : x);
      assertEquals(clean(all), clean(expected), `${format} ${columns}`);
      assertEquals(clean(some), clean(expected.subarray(columns, 3 * columns)));
      matrix.dispose();
    }
  }
  assertEquals(tf.memory().numTensors, before);
});

forEachBackend(
  "packedMatrix: takes words packed chunk by chunk, and outlives a scope",
  async () => {
    const values = awkwardValues();
    for (const format of ["int8", "nf4"] as const) {
      const words = new Int32Array(packedBytes([3, 192], format) / 4);
      for (let row = 0; row < 3; row++) {
        const size = words.length / 3;
        const chunk = values.subarray(row * 192, (row + 1) * 192);
        packValues(chunk, format, words.subarray(row * size, (row + 1) * size));
      }
      assertEquals(words, pack(values, format));
      const matrices: PackedMatrix[] = [];
      tf.tidy(() => {
        matrices.push(packedMatrix(words, [3, 192], format));
      });
      const [matrix] = matrices as [PackedMatrix];
      assertEquals(await takeFloats(unpackRows(matrix)), unpackValues(words, format));
      matrix.dispose();
    }
  },
  ["cpu", "webgpu"],
);

forEachBackend("packMatrix: refuses by name what it cannot pack", () => {
  const refused = (fn: () => unknown) => {
    const error = assertThrows(fn, OddsmithError);
    return [error.code, error.message];
  };
  assertEquals(refused(() => packMatrix(new Float32Array(6), [2, 3], "f16")), [
    "UNEVEN_BLOCKS",
    'Cannot pack a matrix [2, 3] as "f16": its rows have 3 values, which is no multiple of 2',
  ]);
  assertEquals(refused(() => packMatrix(new Float32Array(192), [2, 96], "nf4")), [
    "UNEVEN_BLOCKS",
    'Cannot pack a matrix [2, 96] as "nf4": its rows have 96 values, which is no multiple of 64',
  ]);
  assertEquals(refused(() => packMatrix(new Float32Array(64), [2, 64], "int8")), [
    "WRONG_LENGTH",
    'Cannot pack a matrix [2, 64] as "int8": it takes 128 values, not 64',
  ]);
  assertEquals(refused(() => packedMatrix(new Int32Array(34), [2, 64], "nf4")), [
    "WRONG_LENGTH",
    'Cannot pack a matrix [2, 64] as "nf4": it takes 18 words, not 34',
  ]);
  for (const value of [NaN, Infinity, -Infinity]) {
    for (const format of ["int8", "nf4"] as const) {
      const values = new Float32Array(128);
      values[100] = value;
      assertEquals(refused(() => packMatrix(values, [1, 128], format)), [
        "NON_FINITE_WEIGHT",
        `Cannot pack a matrix as "${format}": value 100 is ${value}`,
      ]);
    }
  }
}, ["cpu"]);
