import { columnSum } from "../../src/ops/column_sum.ts";
import { rmsNorm } from "../../src/ops/rms_norm.ts";
import { swiglu } from "../../src/ops/swiglu.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { assertClose, randomPlain } from "./check.ts";
import { checkAgainstReference } from "./reference.ts";

forEachBackend("rmsNorm: fused equals its reference at odd sizes, bit for bit twice", async () => {
  for (const [N, C] of [[1, 1], [1, 257], [63, 65], [65, 64], [257, 63], [1030, 4]]) {
    await checkAgainstReference({
      inputs: [randomPlain([N!, C!], "x"), randomPlain([C!], "w")],
      op: (x: tf.Tensor2D, w: tf.Tensor1D) => rmsNorm(x, w, 1e-5),
      tolerance: C === 1 ? 1e-3 : 1e-5,
    });
  }
}, ["webgpu"]);

forEachBackend("swiglu: fused equals its reference at odd sizes, bit for bit twice", async () => {
  for (const [N, F] of [[1, 1], [63, 5], [65, 8], [257, 63]]) {
    await checkAgainstReference({
      inputs: [randomPlain([N!, F!], "gate", 8), randomPlain([N!, F!], "up")],
      op: swiglu,
    });
  }
}, ["webgpu"]);

forEachBackend("swiglu: gates far from 0 give 0 or the gate, with finite gradients", async () => {
  const gate = tf.tensor2d([[-200, -90, 90, 200]]);
  const up = tf.ones<tf.Rank.R2>([1, 4]);
  const { value, grads } = tf.valueAndGrads(swiglu as (...x: tf.Tensor[]) => tf.Tensor)(
    [gate, up],
    tf.onesLike(up),
  );
  assertClose("value", await takeFloats(value), [0, 0, 90, 200], 1e-6);
  assertClose("dGate", await takeFloats(grads[0]!), [0, 0, 1, 1], 1e-6);
  assertClose("dUp", await takeFloats(grads[1]!), [0, 0, 90, 200], 1e-6);
  tf.dispose([gate, up]);
});

forEachBackend("columnSum: equals float64 over one and over several levels of blocks", async () => {
  for (const [N, C] of [[1, 3], [31, 4], [33, 65], [1100, 2]]) {
    const { data } = randomPlain([N!, C!], "x");
    const expected = new Float64Array(C!);
    data.forEach((value, i) => expected[i % C!]! += value);
    const sum = tf.tidy(() => columnSum(tf.tensor2d(Float32Array.from(data), [N!, C!])));
    assertClose(`[${N}, ${C}]`, await takeFloats(sum), expected, 1e-5);
  }
});
