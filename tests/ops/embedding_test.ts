import { assertEquals } from "@std/assert";
import { embedding } from "../../src/ops/embedding/embedding.ts";
import { segmentSum } from "../../src/ops/embedding/segment_sum.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { assertClose, checkOp, randomPlain } from "./check.ts";

const someIds = (length: number, count: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => (i * i + (i >> 2)) % count);

forEachBackend("embedding: value and gradient equal float64, repeated ids included", async () => {
  for (const [N, V, C] of [[1, 1, 1], [65, 63, 5], [130, 3, 33]]) {
    const ids = someIds(N!, V!);
    await checkOp({
      inputs: [randomPlain([V!, C!], "w")],
      op: (w: tf.Tensor2D) => embedding(w, ids),
      reference: (w) =>
        Float64Array.from(
          { length: N! * C! },
          (_, i) => w[ids[Math.floor(i / C!)]! * C! + i % C!]!,
        ),
    });
  }
});

forEachBackend("embedding: a weight that does not train gives the same rows", async () => {
  const weight = tf.variable(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]), false);
  const scale = tf.scalar(2);
  const gradient = tf.grad((x: tf.Tensor) =>
    tf.sum(tf.mul(embedding(weight as unknown as tf.Tensor2D, Int32Array.from([2, 0])), x))
  )(scale);
  assertEquals([...await takeFloats(gradient)], [5 + 6 + 1 + 2]);
  tf.dispose([weight, scale]);
});

forEachBackend("segmentSum: adds the rows of each segment, none for absent ones", async () => {
  const segments = Int32Array.from([4, 4, 1, 4, 1, 4, 4]);
  const x = randomPlain([7, 3], "x");
  const expected = new Float64Array(6 * 3);
  segments.forEach((segment, i) => {
    for (let c = 0; c < 3; c++) expected[segment * 3 + c]! += x.data[i * 3 + c]!;
  });
  const y = tf.tidy(() => segmentSum(tf.tensor2d(Float32Array.from(x.data), [7, 3]), segments, 6));
  assertClose("sum", await takeFloats(y), expected, 1e-6);
});

forEachBackend("segmentSum: repeats bit by bit where many rows share a segment", async () => {
  const { data } = randomPlain([1000, 8], "x");
  const segments = someIds(1000, 7);
  const once = () =>
    takeFloats(
      tf.tidy(() => segmentSum(tf.tensor2d(Float32Array.from(data), [1000, 8]), segments, 9)),
    );
  const first = await once();
  for (let i = 0; i < 3; i++) assertEquals(await once(), first);
});
