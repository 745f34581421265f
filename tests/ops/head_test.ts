import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { targetLogProbs } from "../../src/ops/head/head.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { checkOp, randomPlain } from "./check.ts";
import { checkAgainstReference, withSmallKernels } from "./reference.ts";

function reference(
  C: number,
  V: number,
  rows: Int32Array,
  targets: Int32Array,
  cap: (logit: number) => number = (logit) => logit,
) {
  return (hidden: Float64Array, weight: Float64Array, bias?: Float64Array): Float64Array =>
    Float64Array.from(rows, (row, m) => {
      const logits = Array.from({ length: V }, (_, v) => {
        let sum = bias ? bias[v]! : 0;
        for (let c = 0; c < C; c++) sum += hidden[row * C + c]! * weight[v * C + c]!;
        return cap(sum);
      });
      const top = logits.reduce((a, b) => Math.max(a, b));
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0);
      return logits[targets[m]!]! - top - Math.log(total);
    });
}

const spread = (length: number, count: number, step: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => i * step % count);

forEachBackend("targetLogProbs: value and gradients equal float64 at odd sizes", async () => {
  for (const [N, C, V, M] of [[1, 1, 2, 1], [5, 3, 65, 4], [63, 5, 7, 33], [4, 65, 63, 9]]) {
    const rows = spread(M!, N!, 3);
    const targets = spread(M!, V!, 5);
    await checkOp({
      inputs: [randomPlain([N!, C!], "h"), randomPlain([V!, C!], "w")],
      op: (h: tf.Tensor2D, w: tf.Tensor2D) => targetLogProbs(h, w, rows, targets),
      reference: reference(C!, V!, rows, targets),
      samples: 12,
    });
  }
});

for (const softcap of [undefined, 1.5]) {
  const name = softcap === undefined ? "a bias" : "a bias and a soft cap";
  const op = (h: tf.Tensor2D, w: tf.Tensor2D, bias: tf.Tensor1D, M: number, V: number, N: number) =>
    targetLogProbs(h, { weight: w, bias, softcap }, spread(M, N, 3), spread(M, V, 5), 64 * 4 * M);

  forEachBackend(`targetLogProbs: with ${name}, value and gradients equal float64`, async () => {
    for (const [N, C, V, M] of [[5, 3, 65, 4], [63, 5, 7, 33], [4, 8, 130, 9]]) {
      const cap = (logit: number) => softcap ? softcap * Math.tanh(logit / softcap) : logit;
      await checkOp({
        inputs: [randomPlain([N!, C!], "h"), randomPlain([V!, C!], "w"), randomPlain([V!], "b")],
        op: (h: tf.Tensor2D, w: tf.Tensor2D, b: tf.Tensor1D) => op(h, w, b, M!, V!, N!),
        reference: reference(C!, V!, spread(M!, N!, 3), spread(M!, V!, 5), cap),
        samples: 12,
      });
    }
  });

  forEachBackend(
    `targetLogProbs: with ${name}, fused equals its reference, bit for bit twice`,
    async () => {
      for (const [N, C, V, M] of [[63, 65, 257, 65], [65, 64, 320, 63]]) {
        await checkAgainstReference({
          inputs: [randomPlain([N!, C!], "h"), randomPlain([V!, C!], "w"), randomPlain([V!], "b")],
          op: (h: tf.Tensor2D, w: tf.Tensor2D, b: tf.Tensor1D) => op(h, w, b, M!, V!, N!),
        });
      }
    },
    ["webgpu"],
  );
}

forEachBackend("targetLogProbs: rows split into chunks give the same", async () => {
  const [N, C, V, M] = [40, 2, 30, 60];
  const rows = spread(M, N, 7);
  const targets = spread(M, V, 11);
  await checkOp({
    inputs: [randomPlain([N, C], "h"), randomPlain([V, C], "w")],
    op: (h: tf.Tensor2D, w: tf.Tensor2D) => targetLogProbs(h, w, rows, targets, 25 * 4 * V),
    reference: reference(C, V, rows, targets),
  });
});

forEachBackend(
  "targetLogProbs: fused in tiles equals its reference, bit for bit twice",
  async () => {
    for (const [N, C, V, M] of [[63, 65, 257, 65], [65, 64, 320, 63], [257, 1, 129, 257]]) {
      const rows = spread(M!, N!, 3);
      const targets = spread(M!, V!, 5);
      await checkAgainstReference({
        inputs: [randomPlain([N!, C!], "h"), randomPlain([V!, C!], "w")],
        op: (h: tf.Tensor2D, w: tf.Tensor2D) => targetLogProbs(h, w, rows, targets, 64 * 4 * M!),
      });
    }
  },
  ["webgpu"],
);

forEachBackend("targetLogProbs: a weight that does not train changes nothing else", async () => {
  const [N, C, V] = [9, 4, 70];
  const rows = spread(N, N, 2);
  const targets = spread(N, V, 11);
  const hidden = tf.tensor2d(Float32Array.from(randomPlain([N, C], "h").data), [N, C]);
  const start = tf.tensor2d(Float32Array.from(randomPlain([V, C], "w").data), [V, C]);
  const gradientOf = (weight: tf.Tensor2D) =>
    takeFloats(
      tf.grad((h: tf.Tensor) => tf.sum(targetLogProbs(h as tf.Tensor2D, weight, rows, targets)))(
        hidden,
      ),
    );
  const frozen = tf.variable(start, false);
  await withSmallKernels(async () => {
    assertEquals(await gradientOf(frozen), await gradientOf(start));
  });
  tf.dispose([hidden, start, frozen]);
});

forEachBackend("targetLogProbs: holds one tile of logits, not all of them", async (device) => {
  const [M, C, V] = [64, 4, 40_000];
  const hidden = tf.zeros<tf.Rank.R2>([M, C]);
  const weight = tf.ones<tf.Rank.R2>([V, C]);
  const rows = spread(M, M, 1);
  const before = device.memory.bytes();
  const logProbs = tf.tidy(() => targetLogProbs(hidden, weight, rows, spread(M, V, 9), 2 ** 20));
  assertAlmostEquals((await takeFloats(logProbs))[0]!, -Math.log(V), 1e-4);
  assert(device.memory.bytes() - before < 4 * 2 ** 20, "all logits take 10 MiB");
  tf.dispose([hidden, weight]);
}, ["webgpu"]);

forEachBackend(
  "targetLogProbs: a certain token gives 0, an impossible one a finite number",
  async () => {
    const logProbs = await takeFloats(tf.tidy(() =>
      targetLogProbs(
        tf.tensor2d([[1000], [-1000], [18]]),
        tf.tensor2d([[1], [-1]]),
        Int32Array.from([0, 1, 2]),
        Int32Array.from([0, 0, 0]),
      )
    ));
    assertEquals(logProbs[0], 0);
    assertEquals(logProbs[1], -2000);
    assert(logProbs[2]! <= 0 && logProbs[2]! > -1e-6);
  },
);

forEachBackend("targetLogProbs: a logit that is not finite gives NaN, not 0", async () => {
  const [logProb] = await takeFloats(tf.tidy(() =>
    targetLogProbs(
      tf.tensor2d([[NaN]]),
      tf.tensor2d([[1], [2]]),
      Int32Array.from([0]),
      Int32Array.from([0]),
    )
  ));
  assert(Number.isNaN(logProb));
});

forEachBackend("targetLogProbs: a head that outgrows the device is refused by name", () => {
  const weight = { shape: [2 ** 20, 2 ** 10] } as tf.Tensor2D;
  const hidden = { shape: [1, 2 ** 10] } as tf.Tensor2D;
  const error = assertThrows(
    () => targetLogProbs(hidden, weight, new Int32Array(1), new Int32Array(1)),
    OddsmithError,
    "Cannot compute the head",
  );
  assertEquals(error.code, "LIMIT_EXCEEDED");
}, ["wasm", "webgpu"]);
