import { assert, assertAlmostEquals, assertEquals, assertStrictEquals } from "@std/assert";
import { accumulate } from "../../src/ops/update/accumulate.ts";
import { adamwStep, type Moments } from "../../src/ops/update/adamw.ts";
import { globalNorm } from "../../src/ops/update/global_norm.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { assertClose, randomPlain } from "./check.ts";
import { withKernels } from "./reference.ts";

const random = (shape: number[], seed: string): tf.Tensor =>
  tf.tensor(Float32Array.from(randomPlain(shape, seed).data), shape);

/** Three updates; gives the parameter and its moments. */
async function threeUpdates(shape: number[]): Promise<Float32Array[]> {
  const start = random(shape, "start");
  const parameter = tf.variable(start);
  start.dispose();
  const moments: Moments = { first: tf.zeros(shape), second: tf.zeros(shape) };
  const scale = tf.scalar(0.5);
  for (let step = 1; step <= 3; step++) {
    const gradient = random(shape, `gradient ${step}`);
    adamwStep(parameter, gradient, moments, {
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weightDecay: 0.1,
      learningRate: 0.05 * step,
      step,
    }, scale);
    gradient.dispose();
  }
  const tensors = [parameter, moments.first, moments.second];
  const values: Float32Array[] = [];
  for (const tensor of tensors) values.push(await readFloats(tensor));
  tf.dispose([scale, ...tensors]);
  return values;
}

forEachBackend(
  "adamwStep: fused equals its reference at odd sizes, bit for bit twice",
  async () => {
    for (const shape of [[1], [63], [5, 13], [257], [4, 129]]) {
      const before = tf.memory().numTensors;
      const stock = await withKernels("reference", () => threeUpdates(shape));
      const fused = await threeUpdates(shape);
      for (const [i, expected] of stock.entries()) {
        assertClose(`tensor ${i}`, fused[i]!, expected, 1e-5);
      }
      assertEquals(await threeUpdates(shape), fused);
      assertEquals(tf.memory().numTensors, before);
    }
  },
  ["webgpu"],
);

forEachBackend("globalNorm: equals float64 over tensors of many sizes", async () => {
  const shapes = [[1], [63], [65, 4], [], [257], [130, 1000], [3, 5]];
  const before = tf.memory().numTensors;
  const tensors = shapes.map((shape, i) => random(shape, `x ${i}`));
  let squares = 0;
  for (const tensor of tensors) (await readFloats(tensor)).forEach((x) => squares += x * x);
  const y = globalNorm(tensors);
  assertEquals(y.shape, []);
  assertAlmostEquals((await takeFloats(y))[0]! / Math.sqrt(squares), 1, 1e-6);
  const again = await takeFloats(globalNorm(tensors));
  assertEquals(await takeFloats(globalNorm(tensors)), again);
  tf.dispose(tensors);
  assertEquals(tf.memory().numTensors, before);
});

forEachBackend("globalNorm: a gradient that is not finite shows", async () => {
  const tensors = [tf.ones([70]), tf.tensor1d([1, NaN, 2])];
  const [norm] = await takeFloats(globalNorm(tensors));
  assert(Number.isNaN(norm));
  tf.dispose(tensors);
});

forEachBackend("accumulate: adds share to total and takes both over", async ({ backend }) => {
  const before = tf.memory().numTensors;
  for (const size of [1, 63, 65, 257, 1024]) {
    const total = random([size], "total");
    const share = random([size], "share");
    const expected = await takeFloats(tf.add(total, share));
    const sum = accumulate(total, share);
    if (backend === "webgpu") assertStrictEquals(sum, total);
    assertEquals(await takeFloats(sum), expected);
  }
  assertEquals(tf.memory().numTensors, before);
});

forEachBackend("accumulate: leaves values that another tensor shares as they are", async () => {
  const total = tf.tensor1d([1, 2, 3]);
  const other = tf.reshape(total, [3, 1]);
  const sum = accumulate(total, tf.ones([3]));
  assertEquals([...await takeFloats(sum)], [2, 3, 4]);
  assertEquals([...await takeFloats(other)], [1, 2, 3]);
});
