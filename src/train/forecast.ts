/**
 * Tells the memory a training will hold on a device before it takes any, by rehearsing optimizer
 * steps on a device that computes nothing (src/tensor/rehearsal.ts): the same code, so there is no
 * formula to keep true.
 */

import type { CausalLM } from "../models/model.ts";
import { targetLogProbs } from "../ops/head/head.ts";
import { type RehearsalTarget, rehearse } from "../tensor/rehearsal.ts";
import { submitPending, webgpuInternals } from "../tensor/webgpu_internals.ts";
import { tf } from "../tensor/tf.ts";
import type { PairBatch } from "./batch.ts";
import { addMicroBatch } from "./gradients.ts";
import { GradientSum } from "./gradient_sum.ts";
import type { OrpoObjective } from "./objective.ts";
import { AdamW, type AdamWOptions } from "./optimizer.ts";
import { applyGradients } from "./optimizer_step.ts";
import { pairSums } from "./orpo_loss.ts";
import type { WindowPlan } from "./window_plan.ts";

/** What a device will hold, in bytes. */
export interface MemoryForecast {
  /** The most at any time, the buffer pool's reserve included. */
  readonly peakBytes: number;
  /** Weights, trained or not. */
  readonly weightBytes: number;
  /** AdamW's two moments of what trains. */
  readonly momentBytes: number;
  /** Gradients of what trains. */
  readonly gradientBytes: number;
  /** The rest of the peak: activations, their gradients, scratch space, reserve. */
  readonly workBytes: number;
}

/** The training that is rehearsed. */
export interface Rehearsal {
  /** Makes the model on the current device; values do not matter. */
  readonly makeModel: () => CausalLM;
  readonly objective: OrpoObjective;
  readonly optimizer: AdamWOptions;
  readonly maxGradNorm: number;
  readonly recomputedLayers: number;
  /** Optimizer steps to go through, the largest among them. */
  readonly windows: readonly WindowPlan[];
  /** Batches that are scored alone. */
  readonly evaluation?: readonly PairBatch[];
}

/**
 * Rehearses a training.
 *
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED where a tensor outgrows the target's limits.
 */
export function forecastMemory(target: RehearsalTarget, training: Rehearsal): MemoryForecast {
  return rehearse(target, ({ memory }) => {
    const start = memory.bytes();
    const model = training.makeModel();
    const weightBytes = memory.bytes() - start;
    const optimizer = new AdamW(model.trainable, training.optimizer);
    const momentBytes = memory.bytes() - start - weightBytes;
    for (const batch of training.evaluation ?? []) score(model, batch);
    for (const window of training.windows) step(model, optimizer, window, training);
    const peakBytes = memory.peakBytes();
    const gradientBytes = [...model.trainable.values()].reduce(
      (sum, { size }) => sum + 4 * size,
      0,
    );
    optimizer.dispose();
    model.dispose();
    const workBytes = peakBytes - weightBytes - momentBytes - gradientBytes;
    return { peakBytes, weightBytes, momentBytes, gradientBytes, workBytes };
  });
}

function step(
  model: CausalLM,
  optimizer: AdamW,
  { batches, counts }: WindowPlan,
  { objective, recomputedLayers, maxGradNorm }: Rehearsal,
): void {
  const sum = new GradientSum();
  const sums = batches.map((batch, microBatch) => {
    const pass = { seed: "", step: 0, microBatch };
    return addMicroBatch(model, batch, counts, { objective, recomputedLayers, pass, sum });
  });
  const norm = applyGradients(optimizer, sum.take(), 1, maxGradNorm);
  submitPending(webgpuInternals());
  tf.dispose([norm, ...sums]);
}

function score(model: CausalLM, batch: PairBatch): void {
  const sums = tf.tidy(() => {
    const hidden = model.hidden(batch.tokens);
    return pairSums(targetLogProbs(hidden, model.head(), batch.rows, batch.targets), batch);
  });
  submitPending(webgpuInternals());
  sums.dispose();
}
