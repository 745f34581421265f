import { assertEquals } from "@std/assert";
import { accumulate } from "../../src/ops/accumulate.ts";
import { embedding } from "../../src/ops/embedding.ts";
import { gatherRows } from "../../src/ops/gather_rows.ts";
import { globalNorm } from "../../src/ops/global_norm.ts";
import { segmentSum } from "../../src/ops/segment_sum.ts";
import { maxTensorBytes } from "../../src/tensor/limits.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { zeros } from "../../src/tensor/zeros.ts";
import { forEachBackend } from "../tensor/backends.ts";

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

forEachBackend("zeros: holds zeros in a buffer that held others", async () => {
  for (const shape of [[], [3], [5, 7], [64, 64]]) {
    tf.add(tf.ones(shape), 1).dispose();
    await takeFloats(tf.ones([1]));
    const y = zeros(shape);
    assertEquals(y.shape, shape);
    assertEquals(await takeFloats(y), new Float32Array(y.size));
  }
});
