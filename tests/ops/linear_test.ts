import { linear } from "../../src/ops/linear.ts";
import type { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { checkOp, randomPlain } from "./check.ts";

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
