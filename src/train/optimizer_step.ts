/** The end of an optimizer step: norm, clipping, update. Encoded, without waiting. */

import { globalNorm } from "../ops/update/global_norm.ts";
import { tf } from "../tensor/tf.ts";
import type { Gradients } from "./gradient_sum.ts";
import { type AdamW, clipFactor } from "./optimizer.ts";

/**
 * Updates the weights by a step's gradients and frees those.
 *
 * @param maxGradNorm Global norm gradients are clipped to; 0: none.
 * @returns The norm before clipping; owned by the caller.
 */
export function applyGradients(
  optimizer: AdamW,
  gradients: Gradients,
  learningRate: number,
  maxGradNorm: number,
): tf.Scalar {
  const norm = globalNorm([...gradients.values()]);
  const factor = maxGradNorm > 0 ? clipFactor(norm, maxGradNorm) : undefined;
  optimizer.update(gradients, learningRate, factor);
  tf.dispose([...gradients.values(), ...(factor ? [factor] : [])]);
  return norm;
}
