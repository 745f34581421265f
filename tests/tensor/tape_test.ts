/** Recording: the gradients of tfjs's own tape, in pieces, with nothing left behind. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { withGradient } from "../../src/tensor/gradient.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import { Recording } from "../../src/tensor/tape.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "./backends.ts";

const X = [0.5, -1.25, 2];
const W = [1.5, 0.25, -0.75];

/** Uses x twice, w once, and an operation with two outputs. */
function compute(x: tf.Tensor1D, w: tf.Tensor1D): tf.Tensor1D {
  const product = tf.mul(tf.exp(x), w) as tf.Tensor1D;
  const [first, rest] = tf.split(tf.add(product, x) as tf.Tensor1D, [1, 2]);
  return tf.concat1d([tf.square(rest as tf.Tensor1D), first as tf.Tensor1D]);
}

forEachBackend("Recording: gradients equal tf.grads', weighted by dY", async () => {
  const [x, w, dY] = [tf.tensor1d(X), tf.tensor1d(W), tf.tensor1d([2, -1, 0.5])];
  const expected = tf.grads((x, w) => compute(x as tf.Tensor1D, w as tf.Tensor1D))([x, w], dY);
  const recording = Recording.of(() => compute(x, w));
  const gradients = recording.backward([x, w], dY);
  for (const [i, gradient] of gradients.entries()) {
    const [got, want] = [await takeFloats(gradient!), await takeFloats(expected[i]!)];
    got.forEach((value, n) => assertAlmostEquals(value, want[n]!, 1e-6));
  }
  tf.dispose([x, w, dY, recording.y]);
});

forEachBackend("Recording: leaves nothing behind, run back, disposed or failed", async () => {
  const [x, w, other] = [tf.tensor1d(X), tf.tensor1d(W), tf.tensor1d(W)];
  await readFloats(x);
  const before = tf.memory().numTensors;

  const run = Recording.of(() => compute(x, w));
  const gradients = run.backward([x, other]);
  assert(gradients[0] !== undefined);
  assertEquals(gradients[1], undefined, "y does not depend on it");
  tf.dispose([gradients[0], run.y]);
  assertEquals(tf.memory().numTensors, before);

  const dropped = Recording.of(() => compute(x, w));
  dropped.dispose();
  dropped.y.dispose();
  assertEquals(tf.memory().numTensors, before);

  const fault = () => {
    compute(x, w);
    throw new Error("mid-way");
  };
  assertThrows(() => Recording.of(fault), Error, "mid-way");
  assertEquals(tf.memory().numTensors, before);

  const broken = Recording.of(() =>
    withGradient([compute(x, w)], (save) => {
      save([x]);
      return tf.clone(x);
    }, () => {
      throw new Error("no way back");
    })
  );
  assertThrows(() => broken.backward([x]), Error, "no way back");
  broken.y.dispose();
  assertEquals(tf.memory().numTensors, before);
  tf.dispose([x, w, other]);
});

forEachBackend("Recording: a gradient that hands dY through is not freed twice", async () => {
  const x = tf.tensor1d(X);
  const sum = Recording.of(() => {
    const both = withGradient([x, x], () => tf.add(x, x), (dY) => [dY, dY]);
    return withGradient([both], () => tf.mul(both, 1), (dY) => [dY]);
  });
  const [gradient] = sum.backward([x]);
  assertEquals([...await takeFloats(gradient!)], [2, 2, 2]);
  tf.dispose([x, sum.y]);
});

forEachBackend("Recording: does not nest", () => {
  assertThrows(() => Recording.of(() => Recording.of(() => tf.scalar(1)).y), Error, "inside");
});
