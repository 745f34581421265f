import { rmsNorm } from "../../src/ops/norms/rms_norm.ts";
import { rope } from "../../src/ops/rope.ts";
import { gatedMlp } from "../../src/ops/linear/gated_mlp.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { checkOp, randomPlain } from "./check.ts";

forEachBackend("rmsNorm: value and gradients equal float64 at odd sizes", async () => {
  for (const [N, C] of [[1, 1], [1, 65], [63, 1], [65, 63]]) {
    await checkOp({
      inputs: [randomPlain([N!, C!], "x"), randomPlain([C!], "w")],
      op: (x: tf.Tensor2D, w: tf.Tensor1D) => rmsNorm(x, w, 1e-5),
      reference: (x, w) => rmsNormReference(x, w, 1e-5),
      // One channel: dX is what ε leaves of a difference of equal terms.
      tolerance: C === 1 ? 1e-3 : 2e-5,
    });
  }
});

forEachBackend("rmsNorm: a weight that is kept less 1 is the same weight", async () => {
  for (const [N, C] of [[5, 8], [63, 5]]) {
    await checkOp({
      inputs: [randomPlain([N!, C!], "x"), randomPlain([C!], "w")],
      op: (x: tf.Tensor2D, w: tf.Tensor1D) => rmsNorm(x, w, 1e-5, 1),
      reference: (x, w) => rmsNormReference(x, w.map((value) => value + 1), 1e-5),
    });
  }
});

function rmsNormReference(x: Float64Array, w: Float64Array, epsilon: number): Float64Array {
  const C = w.length;
  return x.map((value, i) => {
    const row = x.subarray(i - i % C, i - i % C + C);
    const square = row.reduce((sum, v) => sum + v * v, 0) / C;
    return value / Math.sqrt(square + epsilon) * w[i % C]!;
  });
}

forEachBackend("rope: value and gradient equal float64, shared and own tables", async () => {
  for (const [B, T, H, D, tables] of [[1, 1, 1, 2, 1], [2, 5, 3, 6, 1], [3, 1, 1, 8, 3]]) {
    const angles = randomPlain([tables!, T!, 1, D! / 2], "angles").data;
    const cos = angles.map(Math.cos);
    const sin = angles.map(Math.sin);
    const half = D! / 2;
    const table = (values: Float64Array): tf.Tensor4D =>
      tf.tensor4d(Float32Array.from(values), [tables!, T!, 1, half]);
    await checkOp({
      inputs: [randomPlain([B!, T!, H!, D!], "x")],
      op: (x: tf.Tensor4D) => rope(x, { cos: table(cos), sin: table(sin) }),
      reference: (x) =>
        x.map((value, i) => {
          const d = i % D!;
          const position = Math.floor(i / (H! * D!)) % (tables! * T!);
          const at = position * half + d % half;
          const other = d < half ? -x[i + half]! : x[i - half]!;
          return value * cos[at]! + other * sin[at]!;
        }),
    });
  }
});

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

forEachBackend("gatedMlp: value and gradients equal float64, biases included", async () => {
  const [N, C, F] = [5, 3, 7];
  const product = (x: Float64Array, w: Float64Array, b: Float64Array, inner: number) => {
    const outer = b.length;
    return Float64Array.from({ length: x.length / inner * outer }, (_, i) => {
      let sum = b[i % outer]!;
      for (let c = 0; c < inner; c++) {
        sum += x[Math.floor(i / outer) * inner + c]! * w[i % outer * inner + c]!;
      }
      return sum;
    });
  };
  await checkOp({
    inputs: [[N, C], [F, C], [F], [F, C], [F], [C, F], [C]].map((shape, i) =>
      randomPlain(shape, `input ${i}`)
    ),
    op: (
      x: tf.Tensor2D,
      wg: tf.Tensor2D,
      bg: tf.Tensor1D,
      wu: tf.Tensor2D,
      bu: tf.Tensor1D,
      wd: tf.Tensor2D,
      bd: tf.Tensor1D,
    ) =>
      gatedMlp(x, {
        gate: { weight: wg, bias: bg },
        up: { weight: wu, bias: bu },
        down: { weight: wd, bias: bd },
      }),
    reference: (x, wg, bg, wu, bu, wd, bd) => {
      const gate = product(x!, wg!, bg!, C);
      const up = product(x!, wu!, bu!, C);
      return product(gate.map((g, i) => g * sigmoid(g) * up[i]!), wd!, bd!, F);
    },
  });
});
