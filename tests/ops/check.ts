/**
 * Checks an operation against the same formula in plain float64 JavaScript: its values directly,
 * its gradients against central differences of the reference.
 */

import { assert } from "@std/assert";
import { Rng } from "../../src/base/rng.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";

/** A tensor as the reference sees it. */
export interface Plain {
  shape: number[];
  data: Float64Array;
}

/** Normal values, float32-representable. */
export function randomPlain(shape: number[], seed: string, scale = 1): Plain {
  const rng = Rng.fromSeed(seed);
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = Math.fround(scale * rng.normal());
  return { shape, data };
}

export interface OpCheck {
  inputs: Plain[];
  /** The operation under test. */
  op: (...inputs: never[]) => tf.Tensor;
  /** The formula; returns the flat result. */
  reference: (...inputs: Float64Array[]) => Float64Array;
  /** Largest error allowed, as a part of the largest value. Default 2e-5. */
  tolerance?: number;
  /** Coordinates checked an input. Default 24. */
  samples?: number;
}

const STEP = 1e-5;

/** Compares values and gradients, and makes sure that no tensor is left behind. */
export async function checkOp(check: OpCheck): Promise<void> {
  const { inputs, reference, tolerance = 2e-5, samples = 24 } = check;
  const op = check.op as unknown as (...inputs: tf.Tensor[]) => tf.Tensor;
  const before = tf.memory().numTensors;
  const tensors = inputs.map(({ data, shape }) => tf.tensor(Float32Array.from(data), shape));
  const expected = reference(...inputs.map(({ data }) => data));
  const value = tf.tidy(() => op(...tensors));
  const actual = await takeFloats(value);
  assertClose("value", actual, expected, tolerance);

  const weights = randomPlain([expected.length], "cotangent").data;
  const { value: loss, grads } = tf.valueAndGrads((...xs: tf.Tensor[]) =>
    tf.sum(tf.mul(tf.reshape(op(...xs), [-1]), tf.tensor1d(Float32Array.from(weights))))
  )(tensors);
  loss.dispose();
  for (const [i, grad] of grads.entries()) {
    const analytic = await readFloats(grad);
    const picked = pick(inputs[i]!.data.length, samples);
    const numeric = picked.map((at) => slope(reference, inputs, weights, i, at));
    assertClose(
      `gradient of input ${i}`,
      Float32Array.from(picked, (at) => analytic[at]!),
      Float64Array.from(numeric),
      tolerance,
    );
  }
  tf.dispose(grads);
  tf.dispose(tensors);
  assert(
    tf.memory().numTensors === before,
    `left ${tf.memory().numTensors - before} tensors behind`,
  );
}

/** Fails where an error exceeds `tolerance` times the largest expected magnitude (at least 1e-2). */
export function assertClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  assert(
    actual.length === expected.length,
    `${what}: ${actual.length} values, not ${expected.length}`,
  );
  let scale = 1e-2;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    assert(
      error <= tolerance * scale,
      `${what}[${i}]: ${actual[i]} where ${expected[i]} is expected (scale ${scale})`,
    );
  }
}

function slope(
  reference: OpCheck["reference"],
  inputs: Plain[],
  weights: Float64Array,
  input: number,
  at: number,
): number {
  const loss = (delta: number): number => {
    const moved = inputs.map(({ data }) => data.slice());
    moved[input]![at]! += delta;
    return reference(...moved).reduce((sum, y, i) => sum + y * weights[i]!, 0);
  };
  return (loss(STEP) - loss(-STEP)) / (2 * STEP);
}

function pick(length: number, samples: number): number[] {
  const all = Array.from({ length }, (_, i) => i);
  return length <= samples ? all : Rng.fromSeed("pick").shuffle(all).slice(0, samples);
}

function sizeOf(shape: number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
