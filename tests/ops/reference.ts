/**
 * Checks a fused operation against its reference on the same device: values and every gradient,
 * twice, bit for bit the same, with nothing left behind.
 */

import { assertEquals } from "@std/assert";
import { type Kernels, setKernels } from "../../src/tensor/kernels.ts";
import { MATMUL_VARIANTS } from "../../src/tensor/matmul_variants.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { withVariant } from "../tensor/with_variant.ts";
import { assertClose, type Plain, randomPlain } from "./check.ts";

export interface ReferenceCheck {
  inputs: Plain[];
  op: (...inputs: never[]) => tf.Tensor;
  /** Largest error allowed, as a part of the largest value. Default 1e-5. */
  tolerance?: number;
}

/** Runs `fn` with these kernels. */
export async function withKernels<T>(kernels: Kernels, fn: () => T | Promise<T>): Promise<T> {
  setKernels(kernels);
  try {
    return await fn();
  } finally {
    setKernels("fused");
  }
}

/** Runs `fn` with the matrix product that compiles quickest; tests have no use for the fastest. */
export async function withSmallKernels<T>(fn: () => Promise<T>): Promise<T> {
  return await withVariant(MATMUL_VARIANTS.find(({ name }) => name === SMALL_VARIANT)!, fn);
}

const SMALL_VARIANT = "registers 8x8 rows";

/** Compares value and gradients under one random cotangent. */
export async function checkAgainstReference(check: ReferenceCheck): Promise<void> {
  const { inputs, tolerance = 1e-5 } = check;
  const op = check.op as unknown as (...inputs: tf.Tensor[]) => tf.Tensor;
  const before = tf.memory().numTensors;
  const tensors = inputs.map(({ data, shape }) => tf.tensor(Float32Array.from(data), shape));
  const run = (kernels: Kernels) => withKernels(kernels, () => valueAndGradients(op, tensors));
  const reference = await run("reference");
  const fused = await run("fused");
  const again = await run("fused");
  tf.dispose(tensors);
  for (const [i, expected] of reference.entries()) {
    assertClose(i === 0 ? "value" : `gradient ${i - 1}`, fused[i]!, expected, tolerance);
    assertEquals(again[i], fused[i], "a second run gives the same bits");
  }
  assertEquals(tf.memory().numTensors, before, "no tensor is left behind");
}

async function valueAndGradients(
  op: (...inputs: tf.Tensor[]) => tf.Tensor,
  tensors: tf.Tensor[],
): Promise<Float32Array[]> {
  const shape = tf.tidy(() => op(...tensors).shape);
  const dY = tf.tensor(Float32Array.from(randomPlain(shape, "cotangent").data), shape);
  const { value, grads } = tf.valueAndGrads((...xs: tf.Tensor[]) => op(...xs))(tensors, dY);
  const results: Float32Array[] = [];
  for (const tensor of [value, ...grads]) results.push(await readFloats(tensor));
  tf.dispose([dY, value, ...grads]);
  return results;
}
