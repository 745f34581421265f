/** What is settled before a training's first step: the order of its pairs, and its memory. */

import { openTarget } from "../tensor/rehearsal.ts";
import type { PairTokens } from "./batch.ts";
import { layersAsked, planTraining } from "./plan_training.ts";
import type { PairStore } from "./pair_store.ts";
import { type DataPosition, WindowSampler } from "./sampler.ts";
import type { KeptPlan } from "./state.ts";
import type { TrainRun } from "./train_run.ts";

/** Optimizer steps looked through for the largest; an epoch of more is judged by its first. */
const MOST_WINDOWS = 4000;
/** Pairs of an evaluation looked through. */
const MOST_SCORED = 4000;

/** The order a training goes through its pairs in. */
export function samplerOf(
  { train, options, seed }: Pick<TrainRun, "train" | "options" | "seed">,
  from?: DataPosition,
): WindowSampler {
  const windowSize = options.microBatchSize * options.gradientAccumulationSteps;
  return new WindowSampler(train.size, windowSize, options.shuffle, from ?? `${seed}/order`);
}

/**
 * Keeps the plan that a training began with, so that it goes on bit for bit; plans anew where other
 * memory is asked for than then.
 *
 * @throws {OddsmithError} TrainError MEMORY_BUDGET.
 */
export function keepPlan(run: TrainRun, kept: KeptPlan | undefined): KeptPlan {
  const { microBatchTokens, gradientCheckpointing, memoryBudget } = run.options;
  const asked = JSON.stringify({ microBatchTokens, gradientCheckpointing, memoryBudget });
  if (kept?.asked === asked) return kept;
  if (kept) run.hooks.log("going on with the memory that is asked for now", "info");
  return { ...planRun(run), asked };
}

/**
 * Plans a training that begins, on the device that is open.
 *
 * @throws {OddsmithError} TrainError MEMORY_BUDGET.
 */
function planRun(run: TrainRun): KeptPlan {
  const { model, makeUnfilled, options, hooks } = run;
  const target = openTarget();
  if (!target || !makeUnfilled) {
    if (options.memoryBudget !== undefined) {
      hooks.log("memoryBudget is not kept: memory is planned on webgpu alone", "warn");
    }
    return {
      recomputedLayers: layersAsked(options, model.config) ?? 0,
      microBatchTokens: options.microBatchTokens,
    };
  }
  const { recomputedLayers, microBatchTokens, forecast } = planTraining({
    target,
    config: model.config,
    makeModel: makeUnfilled,
    options,
    windows: firstWindows(run),
    evaluation: firstScored(run.evaluation),
  });
  return { recomputedLayers, microBatchTokens, predictedPeakBytes: forecast.peakBytes };
}

/** The pairs of an evaluation that are looked through for the largest batch. */
export function firstScored(evaluation: PairStore): PairTokens[] {
  return Array.from(
    { length: Math.min(evaluation.size, MOST_SCORED) },
    (_, index) => evaluation.at(index),
  );
}

/** The pairs of a training's first optimizer steps, an epoch's at most. */
export function firstWindows(
  { train, options, seed }: Pick<TrainRun, "train" | "options" | "seed">,
): PairTokens[][] {
  const sampler = samplerOf({ train, options, seed });
  const steps = options.maxSteps || Math.ceil(options.epochs * sampler.stepsPerEpoch);
  const count = Math.min(steps, sampler.stepsPerEpoch, MOST_WINDOWS);
  return Array.from({ length: count }, () => {
    const pairs = sampler.window().map((index) => train.at(index));
    sampler.advance();
    return pairs;
  });
}
