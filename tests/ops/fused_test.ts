import { columnSum } from "../../src/ops/column_sum.ts";
import { rmsNorm } from "../../src/ops/norms/rms_norm.ts";
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

forEachBackend("columnSum: equals float64 over one and over several levels of blocks", async () => {
  for (const [N, C] of [[1, 3], [31, 4], [33, 65], [1100, 2]]) {
    const { data } = randomPlain([N!, C!], "x");
    const expected = new Float64Array(C!);
    data.forEach((value, i) => expected[i % C!]! += value);
    const sum = tf.tidy(() => columnSum(tf.tensor2d(Float32Array.from(data), [N!, C!])));
    assertClose(`[${N}, ${C}]`, await takeFloats(sum), expected, 1e-5);
  }
});
