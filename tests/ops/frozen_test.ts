import { assertEquals } from "@std/assert";
import { embedding } from "../../src/ops/embedding/embedding.ts";
import { gatherRows } from "../../src/ops/embedding/gather_rows.ts";
import { targetLogProbs } from "../../src/ops/head/head.ts";
import { linear } from "../../src/ops/linear/linear.ts";
import { isFrozen } from "../../src/tensor/gradient.ts";
import { maxTensorBytes } from "../../src/tensor/limits.ts";
import {
  type PackedFormat,
  type PackedMatrix,
  packedMatrix,
  packMatrix,
} from "../../src/tensor/packed_matrix.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { unpackRows } from "../../src/tensor/unpack.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { checkOp, randomPlain } from "./check.ts";
import { checkAgainstReference, withKernels, withSmallKernels } from "./reference.ts";

const FORMATS: readonly PackedFormat[] = ["f16", "int8", "nf4"];

/** A packed matrix [rows, columns] and what it holds. */
async function packed(
  rows: number,
  columns: number,
  format: PackedFormat,
  scale = 1,
): Promise<{ matrix: PackedMatrix; values: Float32Array }> {
  const { data } = randomPlain([rows, columns], "w", scale);
  const matrix = packMatrix(Float32Array.from(data), [rows, columns], format);
  return { matrix, values: await takeFloats(unpackRows(matrix)) };
}

const dot = (a: ArrayLike<number>, at: number, b: ArrayLike<number>, from: number, n: number) => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += a[at + i]! * b[from + i]!;
  return sum;
};

forEachBackend("linear: a packed weight gives value and dX of what it holds", async (device) => {
  await withSmallKernels(async () => {
    for (const format of FORMATS) {
      const sizes = device.backend === "cpu"
        ? [[3, 64, 5]]
        : [[1, 64, 1], [65, 64, 63], [63, 192, 65]];
      for (const [N, C, D] of sizes as [number, number, number][]) {
        const { matrix, values } = await packed(D, C, format);
        await checkOp({
          inputs: [randomPlain([N, C], "x"), randomPlain([D], "b")],
          op: (x: tf.Tensor2D, b: tf.Tensor1D) => linear(x, matrix, b),
          reference: (x, b) =>
            Float64Array.from({ length: N * D }, (_, i) => {
              const [n, d] = [Math.floor(i / D), i % D];
              return b![d]! + dot(x!, n * C, values, d * C, C);
            }),
          samples: 6,
        });
        matrix.dispose();
      }
    }
  });
});

forEachBackend("linear: fused products of a packed weight equal the reference", async () => {
  for (const format of FORMATS) {
    const { matrix } = await packed(33, 64, format);
    await withSmallKernels(() =>
      checkAgainstReference({
        inputs: [randomPlain([65, 64], "x")],
        op: (x: tf.Tensor2D) => linear(x, matrix),
      })
    );
    matrix.dispose();
  }
}, ["webgpu"]);

forEachBackend("embedding: rows of a packed weight, which is frozen", async () => {
  const before = tf.memory().numTensors;
  for (const format of FORMATS) {
    for (const C of format === "f16" ? [2, 62, 64] : [64, 192]) {
      const { matrix, values } = await packed(70, C, format);
      assertEquals(isFrozen(matrix), true);
      const ids = Int32Array.from([69, 0, 3, 3, 68, 1, 64, 63]);
      const expected = Float32Array.from(
        { length: ids.length * C },
        (_, i) => values[ids[Math.floor(i / C)]! * C + i % C]!,
      );
      for (const kernels of ["fused", "reference"] as const) {
        const y = await withKernels(kernels, () => embedding(matrix, ids));
        assertEquals(y.shape, [8, C]);
        assertEquals(await takeFloats(y), expected, `${format} ${C} ${kernels}`);
      }
      matrix.dispose();
    }
  }
  assertEquals(tf.memory().numTensors, before);
});

forEachBackend(
  "targetLogProbs: a packed head gives value and dHidden of what it holds",
  async () => {
    const [N, V, C] = [9, 130, 64];
    const rows = Int32Array.from([8, 0, 3, 3, 7]);
    const targets = Int32Array.from([129, 0, 64, 63, 5]);
    await withSmallKernels(async () => {
      for (const format of FORMATS) {
        const { matrix, values } = await packed(V, C, format, 0.2);
        await checkOp({
          inputs: [randomPlain([N, C], "h")],
          // Tiles of the vocabulary, and of the reference's rows, are several.
          op: (hidden: tf.Tensor2D) => targetLogProbs(hidden, matrix, rows, targets, 4 * 5 * 64),
          reference: (hidden) =>
            Float64Array.from(rows, (row, m) => {
              const logits = Array.from(
                { length: V },
                (_, v) => dot(hidden!, row * C, values, v * C, C),
              );
              const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
              return logits[targets[m]!]! - Math.log(total);
            }),
          samples: 8,
        });
        matrix.dispose();
      }
    });
  },
);

forEachBackend(
  "targetLogProbs: a frozen head gets no gradient in the reference either",
  async () => {
    const weight = tf.variable(tf.ones<tf.Rank.R2>([70, 8]), false);
    const scale = tf.variable(tf.scalar(2));
    const ids = Int32Array.from([0, 2]);
    const { value, grads } = tf.variableGrads(() => {
      const hidden = tf.mul(scale, tf.ones<tf.Rank.R2>([3, 8])) as tf.Tensor2D;
      return tf.sum(
        targetLogProbs(hidden, weight as unknown as tf.Tensor2D, ids, ids),
      ) as tf.Scalar;
    });
    assertEquals(Object.keys(grads), [scale.name]);
    assertEquals((await takeFloats(value))[0]!.toFixed(3), (-2 * Math.log(70)).toFixed(3));
    tf.dispose([...Object.values(grads), weight, scale]);
  },
);

/** Bytes of the largest tensor this test makes; a device with larger bindings skips it. */
const MOST_BYTES = 160 * 2 ** 20;

forEachBackend("gatherRows: of a packed matrix over a binding", async () => {
  if (maxTensorBytes() > MOST_BYTES) return console.log("skipped: a binding holds too much");
  const C = 4096;
  const R = Math.ceil(maxTensorBytes() / (4 * C / 64 * 17)) + 100;
  const words = new Int32Array(R * C / 64 * 17);
  const one = new Int32Array(Float32Array.of(1).buffer)[0]!;
  for (let block = 0; block < words.length; block += 17) words[block] = one;
  const ids = Int32Array.from([R - 1, 0, R - 101, R - 101]);
  ids.forEach((id, i) => words[id * C / 64 * 17 + 1] = i + 1);
  const matrix = packedMatrix(words, [R, C], "int8");
  const y = await takeFloats(gatherRows(matrix, ids));
  const expected = new Float32Array(4 * C);
  [1, 2, 4, 4].forEach((value, row) => expected[row * C] = value);
  assertEquals(y, expected);
  matrix.dispose();
}, ["webgpu"]);
