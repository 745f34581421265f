import { assert, assertEquals } from "@std/assert";
import { matMul, matMulInto } from "../../src/tensor/matmul.ts";
import { type MatrixRows, matrixRows } from "../../src/tensor/matmul_problem.ts";
import { MATMUL_VARIANTS } from "../../src/tensor/matmul_variants.ts";
import {
  type PackedFormat,
  type PackedMatrix,
  packMatrix,
  unfilledPackedMatrix,
} from "../../src/tensor/packed_matrix.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { openTarget, rehearse } from "../../src/tensor/rehearsal.ts";
import { tf } from "../../src/tensor/tf.ts";
import { scratchBytes } from "../../src/tensor/texels.ts";
import { unpackRows } from "../../src/tensor/unpack.ts";
import { webgpuInternals } from "../../src/tensor/webgpu_internals.ts";
import { assertClose, type Plain, randomPlain } from "../ops/check.ts";
import { withKernels } from "../ops/reference.ts";
import { forEachBackend } from "./backends.ts";
import { withVariant } from "./with_variant.ts";

const named = (name: string) => MATMUL_VARIANTS.find((variant) => variant.name === name)!;
const TEXELS = named("registers 4x8 columns texels");
/** One of each way of reading operands. */
const WAYS = [TEXELS, named("registers 8x8 rows"), named("shared 8x64x32")];

const FORMATS: readonly PackedFormat[] = ["f16", "int8", "nf4"];

/** A packed matrix [D, C] and what it holds. */
async function packed(
  D: number,
  C: number,
  format: PackedFormat,
): Promise<{ matrix: PackedMatrix; values: Float32Array }> {
  const matrix = packMatrix(Float32Array.from(randomPlain([D, C], "w").data), [D, C], format);
  return { matrix, values: await takeFloats(unpackRows(matrix)) };
}

/** x [M, K] times w, which is [K, N] or, transposed, [N, K]. */
function product(x: Plain, w: ArrayLike<number>, N: number, isTransposed: boolean): Float64Array {
  const [M, K] = x.shape as [number, number];
  const y = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        sum += x.data[m * K + k]! * w[isTransposed ? n * K + k : k * N + n]!;
      }
      y[m * N + n] = sum;
    }
  }
  return y;
}

const tensorOf = ({ shape, data }: Plain): tf.Tensor2D =>
  tf.tensor2d(Float32Array.from(data), shape as [number, number]);

/** x Wᵀ and dY W, for M rows and a weight [D, C]. */
async function checkLinear(M: number, D: number, C: number, format: PackedFormat): Promise<void> {
  const { matrix, values } = await packed(D, C, format);
  for (const transposeB of [true, false]) {
    const x = randomPlain([M, transposeB ? C : D], "x");
    const y = tf.tidy(() => matMul(tensorOf(x), matrix, { transposeB }));
    const expected = product(x, values, transposeB ? D : C, transposeB);
    const name = `${format} ${M} x [${D}, ${C}]${transposeB ? "ᵀ" : ""}`;
    assertClose(name, await takeFloats(y), expected, 1e-5);
  }
  matrix.dispose();
}

for (const variant of MATMUL_VARIANTS) {
  const isQuick = variant.family === "shared" || variant.tile.columns === 8;
  forEachBackend(`matMul: "${variant.name}" reads every packed format`, async () => {
    await withVariant(variant, async () => {
      for (const format of FORMATS) {
        await checkLinear(65, 128, 192, format);
        // Rows so few that a weight is read as it is.
        if (format === "nf4") await checkLinear(7, 128, 64, format);
        if (!isQuick) continue;
        for (const [M, D, C] of [[1, 1, 64], [63, 65, 64], [64, 63, 128], [2, 257, 64]] as const) {
          await checkLinear(M, D, C, format);
        }
      }
      if (isQuick) await checkLinear(5, 3, 62, "f16");
    });
  }, ["webgpu"]);
}

forEachBackend("matMul: packed operands of either side and layout", async () => {
  for (const way of WAYS) {
    await withVariant(way, async () => {
      for (const format of FORMATS) {
        const { matrix: a, values } = await packed(128, 64, format);
        const { matrix: b, values: others } = await packed(64, 128, "nf4");
        const y = tf.zeros<tf.Rank.R2>([128, 128]);
        const plain = (data: Float32Array, rows: number): Plain => ({
          shape: [rows, data.length / rows],
          data: Float64Array.from(data),
        });
        matMulInto(y, a, b);
        const nn = product(plain(values, 128), others, 128, false);
        assertClose(`${way.name} ${format} NN`, await y.data(), nn, 1e-5);
        matMulInto(y, b, a, { transposeA: true, transposeB: true });
        const tt = Float64Array.from(nn, (_, i) => nn[(i % 128) * 128 + Math.floor(i / 128)]!);
        assertClose(`${way.name} ${format} TT`, await y.data(), tt, 1e-5);
        tf.dispose(y);
        a.dispose();
        b.dispose();
      }
    });
  }
}, ["webgpu"]);

forEachBackend("matMul: packed weights of a model's sizes, on every backend", async (device) => {
  for (const format of FORMATS) {
    for (const [M, D, C] of [[1, 64, 1536], [63, 192, 576], [65, 65, 1536]] as const) {
      if (device.backend === "cpu" && M > 1) continue;
      await checkLinear(M, D, C, format);
    }
  }
});

forEachBackend("matMul: runs of packed rows add up, in stock operations", async (device) => {
  // Rows enough for two runs of what is unpacked at a time.
  const [D, C] = [4100, 576];
  const M = 2;
  await withKernels("reference", async () => {
    for (const format of device.backend === "cpu" ? ["nf4"] as const : FORMATS) {
      await checkLinear(M, D, C, format);
    }
  });
});

forEachBackend("matMul: no rows times a packed weight are no rows", async () => {
  const { matrix } = await packed(3, 64, "int8");
  const y = tf.tidy(() => matMul(tf.zeros([0, 64]), matrix, { transposeB: true }));
  assertEquals(y.shape, [0, 3]);
  y.dispose();
  matrix.dispose();
}, ["cpu", "webgpu"]);

forEachBackend("matMulInto: rows within a packed matrix, at any place", async () => {
  for (const way of WAYS) {
    await withVariant(way, async () => {
      for (const format of FORMATS) {
        const { matrix, values } = await packed(300, 64, format);
        for (const [start, count] of [[0, 64], [63, 9], [129, 171], [299, 1]] as const) {
          const rows: MatrixRows = matrixRows(matrix, start, count);
          const x = randomPlain([5, 64], "x");
          const y = tf.fill([5, count], 2) as tf.Tensor2D;
          const left = tensorOf(x);
          matMulInto(y, left, rows, { transposeB: true, accumulates: true });
          const held = values.subarray(start * 64, (start + count) * 64);
          const expected = product(x, held, count, true).map((value) => value + 2);
          assertClose(`${way.name} ${format} ${start}`, await takeFloats(y), expected, 1e-5);
          left.dispose();
        }
        matrix.dispose();
      }
    });
  }
}, ["webgpu"]);

forEachBackend(
  "matMul: a weight of several blocks leaves no float copy of itself",
  async (device) => {
    await withVariant(TEXELS, async () => {
      // 24 MiB in float32: two blocks along the inner dimension, three along the result.
      const [M, D, C] = [40, 2048, 3072];
      const { device: gpu } = webgpuInternals();
      const weight = packMatrix(new Float32Array(D * C).fill(0.5), [D, C], "int8");
      const [x, dY] = [tf.ones<tf.Rank.R2>([M, C]), tf.ones<tf.Rank.R2>([M, D])];
      const held = () => device.memory.bytes() - scratchBytes(gpu);
      const [before, texelsBefore] = [held(), scratchBytes(gpu)];
      const [y, dX] = [matMul(x, weight, { transposeB: true }), matMul(dY, weight)];
      for (const [product, inner] of [[y, C], [dX, D]] as const) {
        const values = await takeFloats(product);
        assertClose(
          "each",
          [Math.min(...values), Math.max(...values)],
          [inner / 2, inner / 2],
          1e-5,
        );
      }
      // Beside the weight: x, dY, y, dX, and what reading back passes through.
      assert(held() - before < weight.bytes + 4 * 2 ** 20, `${held() - before} bytes`);
      // Unpacked values along either side, and x and dY beside them.
      assert(
        scratchBytes(gpu) - texelsBefore < 20 * 2 ** 20,
        `${scratchBytes(gpu)} bytes of texels`,
      );
      tf.dispose([x, dY]);
      weight.dispose();
    });
  },
  ["webgpu"],
);

forEachBackend("unfilledPackedMatrix: is rehearsed with the bytes a real one takes", async () => {
  const [M, D, C] = [40, 65, 576];
  await withVariant(TEXELS, () => {
    for (const format of FORMATS) {
      const real = packMatrix(new Float32Array(D * C), [D, C], format);
      const products = (weight: PackedMatrix) => {
        const [x, dY] = [tf.ones<tf.Rank.R2>([M, C]), tf.ones<tf.Rank.R2>([M, D])];
        return [matMul(x, weight, { transposeB: true }), matMul(dY, weight)];
      };
      const scratch = rehearse(openTarget()!, (rehearsed) => {
        const weight = unfilledPackedMatrix([D, C], format);
        assertEquals(weight.bytes, real.bytes);
        assertEquals(rehearsed.memory.bytes(), real.bytes);
        products(weight);
        return scratchBytes(webgpuInternals().device);
      });
      // x and dY as texels, beside what is unpacked of the weight for either product.
      assert(scratch >= 4 * (M * C + D * C), `${format}: ${scratch} bytes of texels`);
      real.dispose();
    }
    return Promise.resolve();
  });
}, ["webgpu"]);
