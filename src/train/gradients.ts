/**
 * The gradient of an optimizer step: forward and backward of each micro-batch of its accumulation
 * window, added up.
 *
 * Invariant: everything returned is on the device and owned by the caller; nothing is read back.
 */

import type { CausalLM } from "../models/model.ts";
import { accumulate } from "../ops/accumulate.ts";
import { targetLogProbs } from "../ops/head.ts";
import { currentDevice } from "../tensor/device.ts";
import { tf } from "../tensor/tf.ts";
import type { PairBatch } from "./batch.ts";
import type { OrpoObjective } from "./objective.ts";
import type { Gradients } from "./optimizer.ts";
import { orpoBatchLoss, type WindowCounts } from "./orpo_loss.ts";
import type { PendingBatch } from "./step_log.ts";
import type { WindowPlan } from "./window_plan.ts";

/** What a window's micro-batches give together. */
export interface WindowResult {
  /** The gradient of the window's loss, by parameter name. Owned by the caller. */
  readonly gradients: Gradients;
  /** The micro-batches, with their figures on the device. Owned by the caller. */
  readonly batches: readonly PendingBatch[];
  /** Most bytes the device held, seen at the end of each forward pass. */
  readonly peakMemoryBytes: number;
}

/** What a window is trained on. */
export interface WindowOptions {
  /** The loss. */
  readonly objective: OrpoObjective;
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
  { objective, beforeBatch }: WindowOptions,
): Promise<WindowResult> {
  const batches: PendingBatch[] = [];
  let gradients: Gradients = new Map();
  let peakMemoryBytes = 0;
  try {
    for (const batch of plan.batches) {
      await beforeBatch?.();
      const share = microBatchGradients(model, batch, plan.counts, objective);
      const { pairs, counts, sizes } = batch;
      batches.push({ pairs, counts, sizes, sums: share.sums });
      gradients = addGradients(gradients, share.gradients);
      peakMemoryBytes = Math.max(peakMemoryBytes, share.memoryBytes);
    }
  } catch (error) {
    tf.dispose([...gradients.values(), ...batches.map((batch) => batch.sums)]);
    throw error;
  }
  return { gradients, batches, peakMemoryBytes };
}

interface MicroBatchResult {
  gradients: Gradients;
  sums: tf.Tensor1D;
  memoryBytes: number;
}

function microBatchGradients(
  model: CausalLM,
  batch: PairBatch,
  window: WindowCounts,
  objective: OrpoObjective,
): MicroBatchResult {
  const names = new Map([...model.parameters].map(([name, variable]) => [variable.name, name]));
  let kept: tf.Tensor1D | undefined;
  let memoryBytes = 0;
  const { value, grads } = tf.variableGrads(() => {
    const hidden = model.hidden(batch.tokens);
    const logProbs = targetLogProbs(hidden, model.headWeight(), batch.rows, batch.targets);
    const { loss, sums } = orpoBatchLoss(logProbs, batch, window, objective);
    kept = tf.keep(sums);
    memoryBytes = currentDevice().memoryBytes();
    return loss;
  }, [...model.parameters.values()]);
  value.dispose();
  const gradients = new Map(
    Object.entries(grads).map(([variable, gradient]) => [names.get(variable)!, gradient]),
  );
  return { gradients, sums: kept!, memoryBytes };
}

/** Adds a micro-batch's gradients to those of the window so far; takes both over. */
function addGradients(total: Gradients, share: Gradients): Gradients {
  if (total.size === 0) return share;
  const sum = new Map(total);
  for (const [name, gradient] of share) {
    const before = total.get(name);
    sum.set(name, before ? accumulate(before, gradient) : gradient);
  }
  return sum;
}
