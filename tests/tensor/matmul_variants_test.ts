import { assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { matMul, matMulInto } from "../../src/tensor/matmul.ts";
import { chooseVariant, MATMUL_VARIANTS } from "../../src/tensor/matmul_variants.ts";
import type { MatrixRows } from "../../src/tensor/matmul_problem.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { assertClose, type Plain, randomPlain } from "../ops/check.ts";
import { forEachBackend } from "./backends.ts";
import { withVariant } from "./with_variant.ts";

const LAYOUTS = [
  { transposeA: false, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: false },
  { transposeA: true, transposeB: true },
];

/** Odd sizes, for the kernels that compile quickly in every layout and way of loading. */
const ODD = [[1, 1, 1], [63, 1, 65], [65, 257, 63], [1, 64, 257]];
/** Rows that can be texels, with inner dimensions that are and are not multiples of four. */
const TEXELS = [[64, 65, 128], [192, 128, 64]];

function product(a: Plain, b: Plain): Float64Array {
  const [M, K, N] = [a.shape[0]!, a.shape[1]!, b.shape[1]!];
  const y = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) y[m * N + n]! += a.data[m * K + k]! * b.data[k * N + n]!;
    }
  }
  return y;
}

function stored({ shape, data }: Plain, isTransposed: boolean): tf.Tensor2D {
  const x = tf.tensor2d(Float32Array.from(data), shape as [number, number]);
  return isTransposed ? tf.transpose(x) : x;
}

async function checkProducts(sizes: number[][], layouts: typeof LAYOUTS): Promise<void> {
  for (const [M, K, N] of sizes) {
    const a = randomPlain([M!, K!], "a");
    const b = randomPlain([K!, N!], "b");
    const expected = product(a, b);
    for (const options of layouts) {
      const once = () =>
        takeFloats(
          tf.tidy(() =>
            matMul(stored(a, options.transposeA), stored(b, options.transposeB), options)
          ),
        );
      const first = await once();
      assertClose(`${M} x ${K} x ${N}`, first, expected, 1e-5);
      assertEquals(await once(), first, "repeats bit by bit");
    }
  }
}

for (const variant of MATMUL_VARIANTS) {
  const isQuick = variant.family === "shared" || variant.tile.columns === 8;
  forEachBackend(`matMul: "${variant.name}" equals float64`, async () => {
    await withVariant(variant, async () => {
      if (isQuick) await checkProducts(ODD, LAYOUTS);
      await checkProducts(TEXELS, isQuick ? LAYOUTS : LAYOUTS.slice(0, 3));
    });
  }, ["webgpu"]);
}

forEachBackend("matMul: the way chosen for a size equals float64", async () => {
  await checkProducts([[1, 63, 65], [65, 1, 63], [63, 65, 1]], LAYOUTS.slice(0, 3));
});

forEachBackend("matMulInto: adds to what is there, in place", async () => {
  const a = randomPlain([65, 64], "a");
  const b = randomPlain([64, 12], "b");
  const expected = product(a, b).map((value) => 2 * value + 3);
  for (const variant of MATMUL_VARIANTS) {
    if (variant.family === "registers" && variant.tile.columns > 8) continue;
    await withVariant(variant, async () => {
      const before = tf.memory().numTensors;
      const [left, right] = [stored(a, false), stored(b, false)];
      const y = tf.fill([65, 12], 3) as tf.Tensor2D;
      matMulInto(y, left, right, { accumulates: true });
      matMulInto(y, left, right, { accumulates: true });
      assertClose(variant.name, await readFloats(y), expected, 1e-5);
      matMulInto(y, left, right);
      assertClose(variant.name, await readFloats(y), product(a, b), 1e-5);
      tf.dispose([y, left, right]);
      assertEquals(tf.memory().numTensors, before);
    });
  }
}, ["webgpu"]);

forEachBackend("matMulInto: rows of larger tensors, at odd places too", async () => {
  for (const [M, K, N, firstRow] of [[5, 7, 3, 11], [64, 64, 64, 3], [9, 64, 12, 1]] as const) {
    const a = randomPlain([M, K], "a");
    const b = randomPlain([K, N], "b");
    const rows = (x: Plain): MatrixRows => {
      const padded = new Float32Array(x.shape[1]! * firstRow + x.data.length + 1).fill(7);
      padded.set(x.data, x.shape[1]! * firstRow);
      return { rowsOf: tf.tensor1d(padded), firstRow, shape: x.shape as [number, number] };
    };
    for (const name of ["registers 4x8 columns texels", "shared 8x64x32"]) {
      await withVariant(MATMUL_VARIANTS.find((variant) => variant.name === name)!, async () => {
        const place = tf.zeros([firstRow * N + M * N + 1]);
        const [left, right] = [rows(a), rows(b)];
        matMulInto({ rowsOf: place, firstRow, shape: [M, N] }, left, right);
        const values = await takeFloats(place);
        assertClose(name, values.slice(firstRow * N, -1), product(a, b), 1e-5);
        assertEquals(values.slice(0, firstRow * N), new Float32Array(firstRow * N));
        assertEquals(values.at(-1), 0);
        tf.dispose([left.rowsOf, right.rowsOf]);
      });
    }
  }
}, ["webgpu"]);

forEachBackend("matMul: a product beyond one block of texels is summed to its end", async () => {
  await withVariant(MATMUL_VARIANTS.find(({ name }) => name.includes("4x8"))!, async () => {
    for (const [transposeA, M, K, N] of [[true, 4, 20_000, 64], [false, 12_000, 64, 4]] as const) {
      const y = tf.tidy(() =>
        matMul(tf.ones(transposeA ? [K, M] : [M, K]) as tf.Tensor2D, tf.ones([K, N]), {
          transposeA,
        })
      );
      assertEquals(new Set(await takeFloats(y)), new Set([K]));
    }
  });
}, ["webgpu"]);

forEachBackend("matMul: sizes that do not go together are named", () => {
  const error = assertThrows(
    () => matMul(tf.ones<tf.Rank.R2>([2, 3]), tf.ones<tf.Rank.R2>([4, 5])),
    OddsmithError,
  );
  assertEquals(error.code, "SIZE_MISMATCH");
  assertEquals(
    error.message,
    "Cannot compute a matrix product: [2, 3] does not go with [4, 5]",
  );
  const [a, b] = [tf.ones<tf.Rank.R2>([2, 3]), tf.ones<tf.Rank.R2>([3, 5])];
  assertEquals(assertThrows(() => matMulInto(a, a, b), OddsmithError).code, "SIZE_MISMATCH");
  tf.dispose([a, b]);
}, ["webgpu"]);

forEachBackend("chooseVariant: few rows take lanes along columns, many a large tile", (device) => {
  if (!device.adapter?.software) return;
  const operand = {
    tensor: tf.scalar(0),
    format: "f32",
    along: "inner",
    start: 0,
    stride: 64,
  } as const;
  const choice = (rows: number) =>
    chooseVariant({ rows, inner: 64, columns: 1536, a: operand, b: operand }).name;
  assertEquals(choice(1), "registers 4x8 columns texels");
  assertEquals(choice(512), "registers 8x24 rows texels");
  operand.tensor.dispose();
}, ["webgpu"]);
