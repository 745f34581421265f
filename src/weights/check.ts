/** Compares a checkpoint's tensors with what an architecture needs, from the headers alone. */

import { missingTensors, wrongShape } from "./errors.ts";
import type { Weights } from "./safetensors.ts";

/**
 * Makes sure that every tensor is there in its shape.
 *
 * @param expected Shapes by name.
 * @returns The names the checkpoint has and nobody asked for, sorted.
 * @throws {OddsmithError} WeightsError MISSING_TENSOR or WRONG_SHAPE.
 */
export function checkWeights(
  weights: Weights,
  expected: ReadonlyMap<string, readonly number[]>,
): string[] {
  const { dir, tensors } = weights;
  const unexpected = [...tensors.keys()].filter((name) => !expected.has(name)).sort();
  const missing = [...expected.keys()].filter((name) => !tensors.has(name));
  if (missing.length > 0) throw missingTensors(dir, missing, unexpected);
  for (const [name, shape] of expected) {
    const received = tensors.get(name)!.shape;
    if (shape.join() !== received.join()) throw wrongShape(dir, name, shape, received);
  }
  return unexpected;
}
