/**
 * AdamW with decoupled weight decay, its state on the device, and clipping by the global norm. The
 * update is torch.optim.AdamW's; which weights decay is transformers' Trainer's choice.
 */

import { adamwStep, type Moments } from "../ops/update/adamw.ts";
import { tf } from "../tensor/tf.ts";
import type { Gradients } from "./gradient_sum.ts";
import { zeros } from "../tensor/zeros.ts";

/** Settings of AdamW. */
export interface AdamWOptions {
  /** Decay of the first moment, in [0, 1). */
  adamBeta1: number;
  /** Decay of the second moment, in [0, 1). */
  adamBeta2: number;
  /** Added to the root of the second moment. */
  adamEpsilon: number;
  /** Decoupled weight decay, >= 0; not on norms and biases. */
  weightDecay: number;
}

const NEVER_DECAYED =
  /bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)|(?:^|\.)ln_\w+\.weight$/;

/** Tells whether weight decay applies to a parameter: to all but norms and biases. */
export function decays(name: string): boolean {
  return !NEVER_DECAYED.test(name);
}

/**
 * Gives the factor that clips gradients to a global norm, min(1, maxGradNorm / (norm + 1e-6)), as
 * torch's clip_grad_norm_ does.
 */
export function clipFactor(norm: tf.Scalar, maxGradNorm: number): tf.Scalar {
  return tf.tidy(() => tf.minimum<tf.Scalar>(tf.div(maxGradNorm, norm.add(1e-6)), 1));
}

/** AdamW over named variables; owns two tensors of each one's shape. */
export class AdamW {
  readonly #moments = new Map<string, Moments>();
  #step = 0;

  /** Starts with zero moments. */
  constructor(
    readonly parameters: ReadonlyMap<string, tf.Variable>,
    readonly options: AdamWOptions,
  ) {
    for (const [name, parameter] of parameters) {
      this.#moments.set(name, {
        first: zeros(parameter.shape),
        second: zeros(parameter.shape),
      });
    }
  }

  /** Updates made so far; what bias correction counts. */
  get step(): number {
    return this.#step;
  }

  /**
   * Makes one update in place. A parameter without a gradient is left as it is.
   *
   * @param learningRate This step's, schedule included.
   * @param scale Scalar every gradient is multiplied by (clipping); absent: 1.
   */
  update(gradients: Gradients, learningRate: number, scale?: tf.Scalar): void {
    this.#step++;
    const { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon } = this.options;
    const factor = scale ?? tf.scalar(1);
    for (const [name, gradient] of gradients) {
      const weightDecay = decays(name) ? this.options.weightDecay : 0;
      adamwStep(
        this.parameters.get(name)!,
        gradient,
        this.#moments.get(name)!,
        { beta1, beta2, epsilon, weightDecay, learningRate, step: this.#step },
        factor,
      );
    }
    if (!scale) factor.dispose();
  }

  /** The state, for a checkpoint: tensors "m.<name>" and "v.<name>", still owned by the optimizer. */
  state(): Map<string, tf.Tensor> {
    const state = new Map<string, tf.Tensor>();
    for (const [name, { first, second }] of this.#moments) {
      state.set(`m.${name}`, first);
      state.set(`v.${name}`, second);
    }
    return state;
  }

  /** Takes up a saved state, named as by `state`, tensor by tensor; owns them from then on. */
  async restore(
    step: number,
    state: AsyncIterable<[name: string, tensor: tf.Tensor]>,
  ): Promise<void> {
    for await (const [name, tensor] of state) {
      const moments = this.#moments.get(name.slice("m.".length))!;
      const which = name.startsWith("m.") ? "first" : "second";
      moments[which].dispose();
      moments[which] = tensor;
    }
    this.#step = step;
  }

  /** Frees the moments. */
  dispose(): void {
    for (const { first, second } of this.#moments.values()) tf.dispose([first, second]);
    this.#moments.clear();
  }
}
