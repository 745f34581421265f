/**
 * The gradient of an optimizer step: forward and backward of each micro-batch of its accumulation
 * window, added up.
 *
 * Invariant: everything returned is on the device and owned by the caller; nothing is read back.
 */

import type { CausalLM, TrainingPass } from "../models/model.ts";
import { type HeadWeights, targetLogProbs } from "../ops/head/head.ts";
import { currentDevice } from "../tensor/device.ts";
import { tf } from "../tensor/tf.ts";
import { addGradients } from "./backward.ts";
import type { PairBatch } from "./batch.ts";
import { type Gradients, GradientSum } from "./gradient_sum.ts";
import type { OrpoObjective } from "./objective.ts";
import { orpoBatchLoss, type WindowCounts } from "./orpo_loss.ts";
import type { PendingBatch } from "./step_log.ts";
import type { WindowPlan } from "./window_plan.ts";

/** What a window's micro-batches give together. */
export interface WindowResult {
  /** The gradient of the window's loss, by name of the trainable weight. Owned by the caller. */
  readonly gradients: Gradients;
  /** The micro-batches, with their figures on the device. Owned by the caller. */
  readonly batches: readonly PendingBatch[];
}

/** What a window is trained on. */
export interface WindowOptions {
  /** The loss. */
  readonly objective: OrpoObjective;
  /** Blocks computed twice to save memory, from the first on. Default 0. */
  readonly recomputedLayers?: number;
  /** Which step of a training it is; absent: nothing is dropped. */
  readonly training?: Omit<TrainingPass, "microBatch">;
  /** Called before every micro-batch; what it throws ends the window, with nothing leaked. */
  readonly beforeBatch?: () => Promise<void>;
}

/**
 * Computes the gradient of the ORPO loss over a window, micro-batch by micro-batch. How it is cut
 * and laid out does not change it, beyond rounding.
 *
 * @throws {OddsmithError} DeviceError where a batch outgrows the device.
 */
export async function windowGradients(
  model: CausalLM,
  plan: WindowPlan,
  { objective, recomputedLayers, training, beforeBatch }: WindowOptions,
): Promise<WindowResult> {
  const batches: PendingBatch[] = [];
  const sum = new GradientSum();
  try {
    for (const [microBatch, batch] of plan.batches.entries()) {
      await beforeBatch?.();
      const pass = training && { ...training, microBatch };
      const given = { objective, recomputedLayers, pass, sum };
      const sums = addMicroBatch(model, batch, plan.counts, given);
      const { pairs, counts, sizes } = batch;
      batches.push({ pairs, counts, sizes, sums });
    }
    return { gradients: sum.take(), batches };
  } catch (error) {
    sum.dispose();
    tf.dispose(batches.map((batch) => batch.sums));
    throw error;
  }
}

/** How a micro-batch adds to a window. */
export interface MicroBatchOptions extends Pick<WindowOptions, "objective" | "recomputedLayers"> {
  /** Which pass of a training it is; absent: nothing is dropped. */
  readonly pass?: TrainingPass;
  /** What its gradients are added to. */
  readonly sum: GradientSum;
}

/**
 * Adds a micro-batch's share of the window's gradient; encodes it, without waiting.
 *
 * @returns What its metrics are made of, [3B], owned by the caller.
 */
export function addMicroBatch(
  model: CausalLM,
  batch: PairBatch,
  window: WindowCounts,
  { objective, recomputedLayers, pass, sum }: MicroBatchOptions,
): tf.Tensor1D {
  let kept: tf.Tensor1D | undefined;
  const lossOf = (hidden: tf.Tensor2D, head: HeadWeights): tf.Scalar => {
    const logProbs = targetLogProbs(hidden, head, batch.rows, batch.targets);
    const { loss, sums } = orpoBatchLoss(logProbs, batch, window, objective);
    kept = tf.keep(sums);
    return loss;
  };
  const afterForward = () => currentDevice().memory.note();
  try {
    addGradients(model, batch, lossOf, sum, { recomputedLayers, pass, afterForward });
  } catch (error) {
    kept?.dispose();
    throw error;
  }
  return kept!;
}
