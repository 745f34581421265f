import { assertEquals } from "@std/assert";
import { linear } from "../../src/ops/linear/linear.ts";
import { forceVariant, MATMUL_VARIANTS } from "../../src/tensor/matmul_variants.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { checkOp, randomPlain } from "./check.ts";
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
