import { assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { linear } from "../../src/ops/linear.ts";
import { halfMatrix } from "../../src/tensor/half_matrix.ts";
import { forceVariant, MATMUL_VARIANTS } from "../../src/tensor/matmul_variants.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { assertClose, checkOp, type Plain, randomPlain } from "./check.ts";
import { checkAgainstReference } from "./reference.ts";

function reference(C: number, D: number) {
  return (x: Float64Array, w: Float64Array, b?: Float64Array): Float64Array => {
    const N = x.length / C;
    const y = new Float64Array(N * D);
    for (let n = 0; n < N; n++) {
      for (let d = 0; d < D; d++) {
        let sum = b ? b[d]! : 0;
        for (let c = 0; c < C; c++) sum += x[n * C + c]! * w[d * C + c]!;
        y[n * D + d] = sum;
      }
    }
    return y;
  };
}

forEachBackend("linear: value and gradients equal float64 at odd sizes", async () => {
  for (const [N, C, D] of [[1, 1, 1], [1, 63, 65], [65, 1, 63], [63, 65, 1], [65, 63, 33]]) {
    await checkOp({
      inputs: [randomPlain([N!, C!], "x"), randomPlain([D!, C!], "w")],
      op: (x: tf.Tensor2D, w: tf.Tensor2D) => linear(x, w),
      reference: reference(C!, D!),
      samples: 6,
    });
  }
});

forEachBackend("linear: a bias is added and has its gradient", async () => {
  await checkOp({
    inputs: [randomPlain([7, 5], "x"), randomPlain([3, 5], "w"), randomPlain([3], "b")],
    op: (x: tf.Tensor2D, w: tf.Tensor2D, b: tf.Tensor1D) => linear(x, w, b),
    reference: reference(5, 3),
  });
});

forEachBackend("linear: every fused product equals the reference, twice the same", async () => {
  try {
    for (const variant of MATMUL_VARIANTS) {
      // Large register tiles compile slowly; they are checked where their operands are texels.
      const isLarge = variant.family === "registers" && variant.tile.columns > 8;
      const sizes = isLarge ? [[65, 64, 128]] : [[1, 63, 65], [257, 65, 63], [65, 64, 128]];
      forceVariant(variant);
      for (const [N, C, D] of sizes) {
        await checkAgainstReference({
          inputs: [randomPlain([N!, C!], "x"), randomPlain([D!, C!], "w")],
          op: linear as (x: tf.Tensor2D, w: tf.Tensor2D) => tf.Tensor2D,
        });
      }
    }
  } finally {
    forceVariant(undefined);
  }
}, ["webgpu"]);

forEachBackend("linear: a frozen weight gives dX alone", async () => {
  const x = randomPlain([3, 5], "x");
  const weight = tf.variable(tf.ones<tf.Rank.R2>([2, 5]), false);
  const scale = tf.variable(tf.scalar(2));
  await checkOp({
    inputs: [x],
    op: (x: tf.Tensor2D) => linear(x, weight),
    reference: (x) =>
      Float64Array.from({ length: 6 }, (_, i) => sum(x.subarray(5 * (i >> 1), 5 * (i >> 1) + 5))),
  });
  const { value, grads } = tf.variableGrads(
    () => tf.sum(linear(tf.mul(scale, tf.ones<tf.Rank.R2>([3, 5])), weight)) as tf.Scalar,
    [scale],
  );
  assertEquals(Object.keys(grads), [scale.name]);
  tf.dispose([value, ...Object.values(grads), weight, scale]);
}, ["cpu", "webgpu"]);

const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);

forEachBackend("linear: packed halves equal the same weight in float32", async () => {
  const rounded = ({ shape, data }: Plain): Plain => ({
    shape,
    data: Float64Array.from(Float16Array.from(data)),
  });
  try {
    for (const [N, C, D] of [[1, 2, 1], [65, 62, 63], [9, 128, 64]]) {
      const x = randomPlain([N!, C!], "x");
      const w = rounded(randomPlain([D!, C!], "w"));
      for (const variant of MATMUL_VARIANTS) {
        if (variant.family === "registers" && variant.tile.columns > 8) continue;
        forceVariant(variant);
        const weight = halfMatrix(Float32Array.from(w.data), [D!, C!]);
        await checkOp({
          inputs: [x],
          op: (x: tf.Tensor2D) => linear(x, weight),
          reference: (x) => reference(C!, D!)(x, w.data),
          samples: 6,
        });
        weight.rowsOf.dispose();
      }
    }
  } finally {
    forceVariant(undefined);
  }
}, ["webgpu"]);

forEachBackend(
  "halfMatrix: rounds to even, keeps halves as they are, refuses odd rows",
  async () => {
    const values = [1, -2.5, 65504, 1e-7, 1 + 2 ** -11, 1 + 3 * 2 ** -11];
    const expected = [1, -2.5, 65504, 2 ** -23, 1, 1 + 2 ** -9];
    for (const given of [Float32Array.from(values), Float16Array.from(values)]) {
      const weight = halfMatrix(given, [3, 2]);
      const y = tf.tidy(() => linear(tf.tensor2d([[1, 0], [0, 1]]), weight));
      const transposed = [0, 2, 4, 1, 3, 5].map((i) => expected[i]!);
      assertClose("values", await takeFloats(y), transposed, 0);
      weight.rowsOf.dispose();
    }
    const error = assertThrows(() => halfMatrix(new Float32Array(6), [2, 3]), OddsmithError);
    assertEquals(error.code, "ODD_HALVES");
  },
  ["webgpu"],
);
