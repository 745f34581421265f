import { assert, assertEquals } from "@std/assert";
import { type Dropout, dropout, dropoutMask } from "../../src/ops/dropout.ts";
import { targetLogProbs } from "../../src/ops/head/head.ts";
import { loraEmbedding, loraLinear } from "../../src/ops/linear/lora.ts";
import { type PackedFormat, packMatrix, unpackValues } from "../../src/tensor/packed_matrix.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { assertClose, checkOp, randomPlain } from "./check.ts";
import { checkAgainstReference, withSmallKernels } from "./reference.ts";

const DROPOUT: Dropout = { rate: 0.3, key: [0x12345678, 0xfedcba98] };

/** a [M, K] times bᵀ, b [N, K]. */
function times(a: Float64Array, b: Float64Array, K: number): Float64Array {
  const [M, N] = [a.length / K, b.length / K];
  const y = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) y[m * N + n]! += a[m * K + k]! * b[n * K + k]!;
    }
  }
  return y;
}

function loraReference(
  C: number,
  r: number,
  scale: number,
  weight: Float64Array,
  mask?: Float32Array,
) {
  return (x: Float64Array, a: Float64Array, b: Float64Array): Float64Array => {
    const low = times(mask ? x.map((value, i) => value * mask[i]!) : x, a, C);
    const branch = times(low, b, r);
    return times(x, weight, C).map((value, i) => value + scale * branch[i]!);
  };
}

const frozen = (values: Float64Array, shape: [number, number]) =>
  tf.variable(tf.tensor2d(Float32Array.from(values), shape), false) as tf.Tensor as tf.Tensor2D;

forEachBackend("loraLinear: value and gradients equal float64 at odd sizes", async () => {
  for (const [N, C, D, r] of [[1, 1, 1, 1], [1, 63, 65, 3], [65, 5, 63, 8], [9, 65, 33, 16]]) {
    for (const mask of [undefined, DROPOUT]) {
      const w = randomPlain([D!, C!], "w");
      const weight = frozen(w.data, [D!, C!]);
      await checkOp({
        inputs: [
          randomPlain([N!, C!], "x"),
          randomPlain([r!, C!], "a"),
          randomPlain([D!, r!], "b"),
        ],
        op: (x: tf.Tensor2D, loraA: tf.Tensor2D, loraB: tf.Tensor2D) =>
          loraLinear(x, { weight }, { loraA, loraB, scale: 0.7, dropout: mask }),
        reference: loraReference(C!, r!, 0.7, w.data, mask && dropoutMask(N! * C!, mask)),
        samples: 6,
      });
      weight.dispose();
    }
  }
});

forEachBackend("loraLinear: fused equals the reference, twice the same bits", async () => {
  await withSmallKernels(async () => {
    for (const [N, C, D, r] of [[1, 63, 65, 1], [257, 65, 63, 8], [65, 64, 128, 16]]) {
      const weight = frozen(randomPlain([D!, C!], "w").data, [D!, C!]);
      const bias = tf.variable(tf.ones([D!]), false) as tf.Tensor as tf.Tensor1D;
      for (const mask of [undefined, DROPOUT]) {
        await checkAgainstReference({
          inputs: [
            randomPlain([N!, C!], "x"),
            randomPlain([r!, C!], "a"),
            randomPlain([D!, r!], "b"),
          ],
          op: (x: tf.Tensor2D, loraA: tf.Tensor2D, loraB: tf.Tensor2D) =>
            loraLinear(x, { weight, bias }, { loraA, loraB, scale: 2, dropout: mask }),
        });
      }
      tf.dispose([weight, bias]);
    }
  });
}, ["webgpu"]);

forEachBackend("loraLinear: takes packed weights", async () => {
  const [N, C, D, r] = [5, 64, 33, 4];
  for (const format of ["f16", "int8", "nf4"] as PackedFormat[]) {
    const weight = packMatrix(Float32Array.from(randomPlain([D, C], "w").data), [D, C], format);
    const words = await weight.rowsOf.data<"int32">();
    const unpacked = Float64Array.from(unpackValues(words.slice(), format));
    await withSmallKernels(() =>
      checkOp({
        inputs: [randomPlain([N, C], "x"), randomPlain([r, C], "a"), randomPlain([D, r], "b")],
        op: (x: tf.Tensor2D, loraA: tf.Tensor2D, loraB: tf.Tensor2D) =>
          loraLinear(x, { weight }, { loraA, loraB, scale: 0.5 }),
        reference: loraReference(C, r, 0.5, unpacked),
        samples: 6,
      })
    );
    weight.dispose();
  }
});

forEachBackend("targetLogProbs: a head with a branch equals its merged weight", async () => {
  const [N, C, V, r] = [9, 7, 70, 3];
  const rows = Int32Array.of(0, 3, 8, 8, 2);
  const targets = Int32Array.of(5, 69, 0, 64, 1);
  const w = randomPlain([V, C], "w");
  const weight = frozen(w.data, [V, C]);
  for (const mask of [undefined, DROPOUT]) {
    const kept = mask ? dropoutMask(N * C, mask) : new Float32Array(N * C).fill(1);
    await withSmallKernels(() =>
      checkOp({
        inputs: [randomPlain([N, C], "x"), randomPlain([r, C], "a"), randomPlain([V, r], "b")],
        op: (x: tf.Tensor2D, loraA: tf.Tensor2D, loraB: tf.Tensor2D) => {
          const lora = { loraA, loraB, scale: 0.8, dropout: mask };
          // Tiles of 64 tokens.
          return targetLogProbs(x, { weight, lora }, rows, targets, 4 * 5 * 64);
        },
        reference: (x, a, b) => {
          const logits = loraReference(C, r, 0.8, w.data, kept)(x, a, b);
          return Float64Array.from(rows, (row, m) => {
            const own = logits.subarray(row * V, (row + 1) * V);
            const sum = own.reduce((total, logit) => total + Math.exp(logit), 0);
            return own[targets[m]!]! - Math.log(sum);
          });
        },
      })
    );
  }
  weight.dispose();
});

forEachBackend("targetLogProbs: a fused head with a branch equals its reference", async () => {
  const [N, C, V, r] = [65, 63, 257, 8];
  const weight = frozen(randomPlain([V, C], "w").data, [V, C]);
  const rows = Int32Array.from({ length: N }, (_, n) => (7 * n) % N);
  const targets = rows.map((row) => (3 * row) % V);
  await withSmallKernels(() =>
    checkAgainstReference({
      inputs: [randomPlain([N, C], "x", 0.3), randomPlain([r, C], "a"), randomPlain([V, r], "b")],
      op: (x: tf.Tensor2D, loraA: tf.Tensor2D, loraB: tf.Tensor2D) =>
        targetLogProbs(
          x,
          { weight, lora: { loraA, loraB, scale: 0.1 } },
          rows,
          targets,
          4 * N * 64,
        ),
    })
  );
  weight.dispose();
}, ["webgpu"]);

forEachBackend("loraEmbedding: value and gradients equal float64", async () => {
  const [V, C, r] = [11, 7, 3];
  const ids = Int32Array.of(3, 0, 10, 3, 3);
  const w = randomPlain([V, C], "w");
  const weight = frozen(w.data, [V, C]);
  await checkOp({
    inputs: [randomPlain([r, V], "a"), randomPlain([C, r], "b")],
    op: (loraA: tf.Tensor2D, loraB: tf.Tensor2D) =>
      loraEmbedding(weight, { loraA, loraB, scale: 1.5 }, ids),
    reference: (a, b) => {
      const y = new Float64Array(ids.length * C);
      ids.forEach((id, n) => {
        for (let c = 0; c < C; c++) {
          let sum = 0;
          for (let k = 0; k < r; k++) sum += b[c * r + k]! * a[k * V + id]!;
          y[n * C + c] = w.data[id * C + c]! + 1.5 * sum;
        }
      });
      return y;
    },
  });
  weight.dispose();
});

forEachBackend("dropout: the mask is the hash's on every backend, and keeps the mean", async () => {
  for (const shape of [[1], [63, 65], [64, 16]]) {
    const size = shape.reduce((a, b) => a * b);
    const y = tf.tidy(() => dropout(tf.ones(shape), DROPOUT));
    assertEquals(await takeFloats(y), dropoutMask(size, DROPOUT));
  }
  const mask = dropoutMask(100_000, DROPOUT);
  assertClose("mean", [mask.reduce((a, b) => a + b) / mask.length], [1], 0.01);
  const other = dropoutMask(100_000, { ...DROPOUT, key: [0x12345679, 0xfedcba98] });
  const both = mask.filter((value, i) => value === 0 && other[i] === 0).length;
  assert(Math.abs(both / mask.length - 0.09) < 0.005, "masks of two keys are independent");
  await checkOp({
    inputs: [randomPlain([5, 13], "x")],
    op: (x: tf.Tensor2D) => dropout(x, DROPOUT),
    reference: (x) => x.map((value, i) => value * dropoutMask(65, DROPOUT)[i]!),
  });
});
