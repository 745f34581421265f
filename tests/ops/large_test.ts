import { assertEquals } from "@std/assert";
import { accumulate } from "../../src/ops/update/accumulate.ts";
import { embedding } from "../../src/ops/embedding/embedding.ts";
import { gatherRows } from "../../src/ops/embedding/gather_rows.ts";
import { globalNorm } from "../../src/ops/update/global_norm.ts";
import { targetLogProbs } from "../../src/ops/head/head.ts";
import { segmentSum } from "../../src/ops/embedding/segment_sum.ts";
import { maxTensorBytes } from "../../src/tensor/limits.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { zeros } from "../../src/tensor/zeros.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { assertClose, randomPlain } from "./check.ts";
import { withSmallKernels } from "./reference.ts";

const C = 100;

/** Bytes of the largest tensor these tests make; a device with larger bindings skips them. */
const MOST_BYTES = 160 * 2 ** 20;

forEachBackend(
  "a weight over a binding: looked up, summed and added up as a small one",
  async () => {
    if (maxTensorBytes() > MOST_BYTES) return console.log("skipped: a binding holds too much");
    const before = tf.memory().numTensors;
    const C = 100;
    const V = Math.ceil(maxTensorBytes() / (4 * C)) + 1000;
    const ids = Int32Array.from([0, V - 1, 700, V - 1, V - 900]);
    const y = tf.tensor2d(Float32Array.from({ length: 5 * C }, (_, i) => i), [5, C]);

    const weight = segmentSum(y, ids, V);
    const looked = gatherRows(weight, ids);
    const expected = (scale: number) =>
      Float32Array.from({ length: 5 * C }, (_, i) => {
        const [row, c] = [Math.floor(i / C), i % C];
        return scale * (row === 1 || row === 3 ? 4 * C + 2 * c : i);
      });
    assertEquals(await takeFloats(looked), expected(1));

    const ones = tf.onesLike(y);
    const twice = tf.grad((w: tf.Tensor) => {
      const matrix = w as tf.Tensor2D;
      return tf.add(tf.mul(embedding(matrix, ids), y), tf.mul(embedding(matrix, ids), y));
    })(weight, ones) as tf.Tensor2D;
    assertEquals(await takeFloats(gatherRows(twice, ids)), expected(2));

    const total = accumulate(weight, twice) as tf.Tensor2D;
    assertEquals(await takeFloats(gatherRows(total, ids)), expected(3));

    const squares = expected(3).reduce((sum, x, i) => sum + (i >= C && i < 2 * C ? 0 : x * x), 0);
    const [norm] = await takeFloats(globalNorm([total]));
    assertEquals(Math.fround(norm! / Math.sqrt(squares)).toFixed(5), "1.00000");
    tf.dispose([total, ones, y]);
    assertEquals(tf.memory().numTensors, before);
  },
  ["webgpu"],
);

/** Rows of a weight that is zero elsewhere, and what the head makes of it in float64. */
const WORDS = [3, 40, 70_000, 200_000];
const row = (seed: string): Float64Array => randomPlain([C], seed, 0.3).data;
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, c) => sum + x * b[c]!, 0);

function headReference(V: number, hidden: Float64Array[], words: Float64Array[], target: number) {
  const probabilities = hidden.map((h) => {
    const logits = words.map((word) => dot(h, word));
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), V - words.length);
    return { words: logits.map((logit) => Math.exp(logit) / total), other: 1 / total };
  });
  return {
    logProbs: probabilities.map((p) => Math.log(p.words[target]!)),
    // Of the sum of all: each row's Σ over words of (1 - p or -p) word.
    dHidden: probabilities.flatMap((p) =>
      Array.from(
        { length: C },
        (_, c) =>
          words.reduce((sum, word, i) => sum + (+(i === target) - p.words[i]!) * word[c]!, 0),
      )
    ),
    dWeightRow: (word: number | undefined) =>
      Array.from({ length: C }, (_, c) =>
        hidden.reduce((sum, h, m) => {
          const p = probabilities[m]!;
          return sum +
            (+(word === target) - (word === undefined ? p.other : p.words[word]!)) * h[c]!;
        }, 0)),
  };
}

forEachBackend("a head over a binding: values and gradients equal float64", async () => {
  if (maxTensorBytes() > MOST_BYTES) return console.log("skipped: a binding holds too much");
  const before = tf.memory().numTensors;
  const V = Math.ceil(maxTensorBytes() / (4 * C)) + 1000;
  const words = WORDS.map((id) => row(`word ${id}`));
  const hidden = ["a", "b", "c"].map(row);
  const toTensor = (rows: Float64Array[]) =>
    tf.tensor2d(Float32Array.from(rows.flatMap((one) => [...one])), [rows.length, C]);
  const [x, y, dY] = [toTensor(hidden), toTensor(words), tf.ones<tf.Rank.R1>([3])];
  const weight = segmentSum(y, Int32Array.from(WORDS), V);
  const expected = headReference(V, hidden, words, 2);
  await withSmallKernels(async () => {
    const { value, grads } = tf.valueAndGrads((h: tf.Tensor, w: tf.Tensor) => {
      const targets = new Int32Array(3).fill(WORDS[2]!);
      return targetLogProbs(
        h as tf.Tensor2D,
        w as tf.Tensor2D,
        Int32Array.from([0, 1, 2]),
        targets,
      );
    })([x, weight], dY);
    assertClose("logProbs", await takeFloats(value), expected.logProbs, 1e-5);
    assertClose("dHidden", await takeFloats(grads[0]!), expected.dHidden, 1e-5);
    const looked = gatherRows(grads[1] as tf.Tensor2D, Int32Array.from([...WORDS, V - 1]));
    grads[1]!.dispose();
    const rows = [0, 1, 2, 3, undefined].flatMap(expected.dWeightRow);
    assertClose("dWeight", await takeFloats(looked), rows, 1e-5);
  });
  tf.dispose([x, y, dY, weight]);
  assertEquals(tf.memory().numTensors, before);
}, ["webgpu"]);

forEachBackend("zeros: holds zeros in a buffer that held others", async () => {
  for (const shape of [[], [3], [5, 7], [64, 64]]) {
    tf.add(tf.ones(shape), 1).dispose();
    await takeFloats(tf.ones([1]));
    const y = zeros(shape);
    assertEquals(y.shape, shape);
    assertEquals(await takeFloats(y), new Float32Array(y.size));
  }
});
