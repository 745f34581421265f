/** The small operations that models are made of, beside those with tests of their own. */

import { gatedMlp } from "../../src/ops/linear/gated_mlp.ts";
import { linearLayer } from "../../src/ops/linear/linear_layer.ts";
import { mlp } from "../../src/ops/linear/mlp.ts";
import { scale } from "../../src/ops/scale.ts";
import { splitColumns } from "../../src/ops/linear/split_columns.ts";
import { packMatrix } from "../../src/tensor/packed_matrix.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { assertClose, checkOp, randomPlain } from "./check.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { withSmallKernels } from "./reference.ts";

/** x [N, C] times w, stored [C, D]. */
function product(x: Float64Array, w: Float64Array, C: number): Float64Array {
  const [N, D] = [x.length / C, w.length / C];
  const y = new Float64Array(N * D);
  for (let n = 0; n < N; n++) {
    for (let d = 0; d < D; d++) {
      for (let c = 0; c < C; c++) y[n * D + d]! += x[n * C + c]! * w[c * D + d]!;
    }
  }
  return y;
}

forEachBackend(
  "linearLayer: weights stored [in, out] equal float64, gradients too",
  () =>
    withSmallKernels(async () => {
      for (const [N, C, D] of [[1, 1, 1], [5, 3, 7], [65, 8, 12]]) {
        await checkOp({
          inputs: [randomPlain([N!, C!], "x"), randomPlain([C!, D!], "w"), randomPlain([D!], "b")],
          op: (x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D) =>
            linearLayer(x, { weight, bias, isTransposed: true }),
          reference: (x, w, b) => product(x, w, C!).map((value, i) => value + b[i % D!]!),
        });
      }
    }),
);

forEachBackend(
  "linearLayer: a frozen [in, out] weight gets no gradient, x the same",
  () =>
    withSmallKernels(async () => {
      const x = tf.tensor2d([[1, 2, 3], [0, 1, -1]]);
      const gradient = (trainable: boolean) => {
        const weight = tf.variable(tf.tensor2d([[1, 2], [3, 4], [5, 6]]), trainable);
        const f = (x: tf.Tensor) =>
          tf.sum(tf.square(linearLayer(x as tf.Tensor2D, {
            weight: weight as tf.Tensor as tf.Tensor2D,
            isTransposed: true,
          })));
        const dX = tf.grad(f)(x);
        weight.dispose();
        return takeFloats(dX);
      };
      assertClose("dX", await gradient(false), await gradient(true), 1e-6);
      x.dispose();
    }),
);

forEachBackend(
  "linearLayer: a packed [in, out] weight is that of its unpacked values",
  () =>
    withSmallKernels(async () => {
      const [C, D] = [6, 8];
      const { data } = randomPlain([C, D], "w");
      const weight = packMatrix(Float32Array.from(data), [C, D], "f16");
      const halves = Float64Array.from(new Float16Array(data));
      await checkOp({
        inputs: [randomPlain([5, C], "x")],
        op: (x: tf.Tensor2D) => linearLayer(x, { weight, isTransposed: true }),
        reference: (x) => product(x, halves, C),
      });
      weight.dispose();
    }),
);

forEachBackend("mlp: equals float64, gradients too", () =>
  withSmallKernels(() =>
    checkOp({
      inputs: [randomPlain([5, 3], "x"), randomPlain([3, 4], "up"), randomPlain([4, 3], "down")],
      op: (x: tf.Tensor2D, up: tf.Tensor2D, down: tf.Tensor2D) =>
        mlp(
          x,
          { up: { weight: up, isTransposed: true }, down: { weight: down, isTransposed: true } },
          "relu",
        ),
      reference: (x, up, down) => product(product(x, up, 3).map((v) => Math.max(v, 0)), down, 4),
    })
  ));

forEachBackend(
  "gatedMlp: gate and up in one matrix equal the two apart",
  () =>
    withSmallKernels(async () => {
      const gate = randomPlain([3, 5], "gate").data;
      const up = randomPlain([3, 5], "up").data;
      const joined = new Float64Array([...gate, ...up]);
      await checkOp({
        inputs: [
          randomPlain([7, 5], "x"),
          { shape: [6, 5], data: joined },
          randomPlain([5, 3], "down"),
        ],
        op: (x: tf.Tensor2D, gateUp: tf.Tensor2D, down: tf.Tensor2D) =>
          gatedMlp(x, { gateUp: { weight: gateUp }, down: { weight: down } }, "gelu_tanh"),
        reference: (x, gateUp, down) => {
          const rows = (w: Float64Array, C: number) => {
            const D = w.length / C;
            return w.map((_, i) => w[i % D * C + Math.floor(i / D)]!);
          };
          const gelu = (v: number) =>
            v / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
          const g = product(x, rows(gateUp.subarray(0, 15), 5), 5).map(gelu);
          const u = product(x, rows(gateUp.subarray(15), 5), 5);
          return product(g.map((v, i) => v * u[i]!), rows(down, 3), 3);
        },
      });
    }),
);

forEachBackend("scale and splitColumns: equal float64, gradients too", async () => {
  await checkOp({
    inputs: [randomPlain([5, 6], "x")],
    op: (x: tf.Tensor2D) => {
      const [a, b, c] = splitColumns(x, [1, 3, 2] as const);
      return tf.concat([scale(c, 3), a, b], 1);
    },
    reference: (x) => {
      const y = new Float64Array(x.length);
      for (let n = 0; n < 5; n++) {
        const row = x.subarray(6 * n, 6 * n + 6);
        y.set([3 * row[4]!, 3 * row[5]!, ...row.subarray(0, 4)], 6 * n);
      }
      return y;
    },
  });
});
