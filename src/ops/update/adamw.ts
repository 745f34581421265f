/**
 * adamwStep: one update of torch.optim.AdamW (Loshchilov & Hutter 2019, algorithm 2)
 *
 *     g = scale gradient      m = β₁ m + (1 - β₁) g      v = β₂ v + (1 - β₂) g²
 *     p = (1 - η λ) p - η / (1 - β₁ᵗ) · m / (sqrt(v / (1 - β₂ᵗ)) + ε)
 *
 *     p, gradient, m, v: any one shape      scale: a scalar
 *
 * On webgpu one program reads each once and writes p, m and v in place (adamw.wgsl), of any size.
 * Reference: `reference`. Not differentiable.
 */

import { runElementwise } from "../../tensor/elementwise.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { floatBits } from "../../tensor/program.ts";
import { tf } from "../../tensor/tf.ts";
import code from "./adamw.wgsl" with { type: "text" };

/** A parameter's moments. An update may put new tensors in their place. */
export interface Moments {
  /** m, the running mean of the gradient. */
  first: tf.Tensor;
  /** v, the running mean of its square. */
  second: tf.Tensor;
}

/** What an update is made with. */
export interface AdamWStep {
  /** β₁, in [0, 1). */
  readonly beta1: number;
  /** β₂, in [0, 1). */
  readonly beta2: number;
  /** ε, added to the root of the corrected second moment. */
  readonly epsilon: number;
  /** λ, decoupled; 0: none. */
  readonly weightDecay: number;
  /** η of this update. */
  readonly learningRate: number;
  /** t, this update's number, from 1. */
  readonly step: number;
}

/**
 * Updates a parameter and its moments in place; what shares their values changes with them.
 *
 * @param gradient Left as it is.
 * @param scale The factor on the gradient (clipping), on the device.
 */
export function adamwStep(
  parameter: tf.Variable,
  gradient: tf.Tensor,
  moments: Moments,
  step: AdamWStep,
  scale: tf.Scalar,
): void {
  if (!usesFused()) return reference(parameter, gradient, moments, step, scale);
  const { beta1, beta2, epsilon } = step;
  const { rootCorrection, stepSize, kept } = factorsOf(step);
  runElementwise({
    key: "adamw",
    code,
    label: "an AdamW update",
    inputs: [gradient],
    scalars: [scale],
    inPlace: [parameter, moments.first, moments.second],
    uniforms: [beta1, 1 - beta1, beta2, 1 - beta2, epsilon, rootCorrection, stepSize, kept]
      .map(floatBits),
  });
}

/** The same in tfjs's operations, with new tensors for all three. */
function reference(
  parameter: tf.Variable,
  gradient: tf.Tensor,
  moments: Moments,
  step: AdamWStep,
  scale: tf.Scalar,
): void {
  const { beta1, beta2, epsilon } = step;
  const { rootCorrection, stepSize, kept } = factorsOf(step);
  const [first, second] = tf.tidy(() => {
    const g = gradient.mul(scale);
    const m = moments.first.mul(beta1).add(g.mul(1 - beta1));
    const v = moments.second.mul(beta2).add(g.square().mul(1 - beta2));
    const change = m.div(v.sqrt().div(rootCorrection).add(epsilon)).mul(stepSize);
    parameter.assign(parameter.mul(kept).sub(change));
    return [m, v];
  });
  tf.dispose([moments.first, moments.second]);
  moments.first = first!;
  moments.second = second!;
}

function factorsOf({ beta1, beta2, learningRate, weightDecay, step }: AdamWStep) {
  return {
    rootCorrection: Math.sqrt(1 - beta2 ** step),
    stepSize: learningRate / (1 - beta1 ** step),
    kept: 1 - learningRate * weightDecay,
  };
}
