import { assertEquals } from "@std/assert";
import { weightedSums } from "../../src/ops/weighted_sums.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";

const SHARES = {
  inputs: Int32Array.of(0, 2, 2, 4, 0),
  outputs: Int32Array.of(1, 1, 3, 0, 1),
  weights: Float32Array.of(2, 0.5, -1, 3, 0),
};

forEachBackend("weightedSums: sums and gradient are those of the matrix", async () => {
  const x = tf.tensor1d([1, 2, 4, 8, 16]);
  const dY = tf.tensor1d([1, 10, 100, 1000]);
  const before = tf.memory().numTensors;
  const { value, grad } = tf.valueAndGrad((x) => weightedSums(x as tf.Tensor1D, SHARES, 4))(x, dY);
  assertEquals([...await readFloats(value)], [48, 4, 0, -4]);
  assertEquals([...await readFloats(grad)], [20, 0, 5 - 1000, 0, 3]);
  tf.dispose([value, grad]);
  assertEquals(tf.memory().numTensors, before);
  tf.dispose([x, dY]);
});
