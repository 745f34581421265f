import { layerNorm } from "../../src/ops/norms/layer_norm.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { assertClose, checkOp, randomPlain } from "./check.ts";
import { checkAgainstReference } from "./reference.ts";

const op = (x: tf.Tensor2D, weight: tf.Tensor1D, bias: tf.Tensor1D) =>
  layerNorm(x, { weight, bias }, 1e-5);

forEachBackend("layerNorm: value and gradients equal float64 at odd sizes", async () => {
  for (const [N, C] of [[1, 2], [1, 65], [63, 3], [65, 64]]) {
    await checkOp({
      inputs: [randomPlain([N!, C!], "x"), randomPlain([C!], "w"), randomPlain([C!], "b")],
      op,
      reference: (x, w, b) => {
        const y = new Float64Array(x.length);
        for (let start = 0; start < x.length; start += C!) {
          const row = x.subarray(start, start + C!);
          const mean = row.reduce((sum, v) => sum + v, 0) / C!;
          const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / C!;
          row.forEach((v, c) =>
            y[start + c] = (v - mean) / Math.sqrt(variance + 1e-5) * w[c]! + b[c]!
          );
        }
        return y;
      },
      // Of two channels dX is what ε leaves of a difference of equal terms.
      tolerance: C === 2 ? 1e-3 : 2e-5,
    });
  }
});

forEachBackend(
  "layerNorm: fused equals its reference at odd sizes, bit for bit twice",
  async () => {
    for (const [N, C] of [[1, 257], [63, 65], [65, 64], [257, 63], [1030, 4]]) {
      await checkAgainstReference({
        inputs: [randomPlain([N!, C!], "x"), randomPlain([C!], "w"), randomPlain([C!], "b")],
        op,
      });
    }
  },
  ["webgpu"],
);

forEachBackend("layerNorm: a mean far above the deviation cancels nothing", async () => {
  const x = tf.tensor2d([[1000, 1001, 1002, 1003]]);
  const [w, b] = [tf.ones<tf.Rank.R1>([4]), tf.zeros<tf.Rank.R1>([4])];
  const deviation = Math.sqrt(1.25 + 1e-5);
  const y = await takeFloats(tf.tidy(() => op(x, w, b)));
  assertClose("y", y, [-1.5, -0.5, 0.5, 1.5].map((v) => v / deviation), 1e-5);
  tf.dispose([x, w, b]);
});

forEachBackend("layerNorm: weights that do not train change nothing else", async () => {
  const x = tf.tensor2d([[1, 2, 4, 3], [2, 0, 1, 5]]);
  const gradient = (trainable: boolean) => {
    const weight = tf.variable(tf.tensor1d([1, 2, 3, 4]), trainable);
    const bias = tf.variable(tf.tensor1d([1, 0, 1, 0]), trainable);
    const squares = (y: tf.Tensor) => tf.sum(tf.square(y)) as tf.Scalar;
    const dX = tf.grad((x) =>
      squares(
        op(x as tf.Tensor2D, weight as tf.Tensor as tf.Tensor1D, bias as tf.Tensor as tf.Tensor1D),
      )
    )(x);
    tf.dispose([weight, bias]);
    return takeFloats(dX);
  };
  assertClose("dX", await gradient(false), await gradient(true), 1e-6);
  x.dispose();
});
