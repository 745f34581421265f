/** Plans the memory of a training: which steps are rehearsed, and what the options leave open. */

import type { CausalLM } from "../models/model.ts";
import type { ModelConfig } from "../models/config.ts";
import type { RehearsalTarget } from "../tensor/rehearsal.ts";
import type { PairTokens } from "./batch.ts";
import { forecastMemory } from "./forecast.ts";
import { type MemoryPlan, planMemory } from "./memory_plan.ts";
import { resolveObjective } from "./objective.ts";
import type { OrpoOptions } from "./options.ts";
import { type BatchLimits, cutPairs, rowsOf } from "./packing.ts";
import { packedBatch } from "./packed_batch.ts";
import { scoringBatches } from "./scoring_batches.ts";
import { planWindow } from "./window_plan.ts";

/** A training to plan. */
export interface PlannedTraining {
  readonly target: RehearsalTarget;
  readonly config: ModelConfig;
  /** Makes the model on the current device, its weights without values. */
  readonly makeModel: () => CausalLM;
  readonly options: OrpoOptions;
  /** Pairs of the optimizer steps that may be rehearsed. */
  readonly windows: readonly (readonly PairTokens[])[];
  /** Pairs that are scored before, between and after steps. */
  readonly evaluation: readonly PairTokens[];
}

/** Steps, and batches scored, beside the largest: their sizes are what the buffer pool is left with. */
const MORE = 8;

/**
 * Decides how a training is run, and tells the memory it will hold.
 *
 * @throws {OddsmithError} TrainError MEMORY_BUDGET; DeviceError LIMIT_EXCEEDED.
 */
export function planTraining(training: PlannedTraining): MemoryPlan {
  const { target, config, makeModel, options, windows, evaluation } = training;
  const objective = resolveObjective(options);
  return planMemory({
    budgetBytes: options.memoryBudget,
    recomputedLayers: layersAsked(options, config),
    microBatchTokens: options.microBatchTokens,
    longestPair: windows.flat().reduce((most, pair) => Math.max(most, rowsOf([pair])), 0),
    config,
    forecast: (recomputedLayers, microBatchTokens) => {
      const limits = { pairs: options.microBatchSize, tokens: microBatchTokens };
      const largest = largestWindow(windows, limits);
      return forecastMemory(target, {
        makeModel,
        objective,
        optimizer: options,
        maxGradNorm: options.maxGradNorm,
        recomputedLayers,
        windows: [...windows.slice(0, MORE), largest, largest]
          .map((pairs) => planWindow(pairs, objective.nllScope, limits)),
        evaluation: scoredOf(evaluation, limits)
          .map((pairs) => packedBatch(pairs, objective.nllScope, limits.tokens)),
      });
    },
  });
}

/** The layers that the options say are computed twice; undefined where they leave it open. */
export function layersAsked(
  { gradientCheckpointing }: Pick<OrpoOptions, "gradientCheckpointing">,
  { numHiddenLayers }: Pick<ModelConfig, "numHiddenLayers">,
): number | undefined {
  if (typeof gradientCheckpointing === "boolean") {
    return gradientCheckpointing ? numHiddenLayers : 0;
  }
  return gradientCheckpointing;
}

/**
 * Pairs as they come where no data is at hand: one optimizer step whose micro-batches are full.
 *
 * @param maxLength Tokens of prompt and one answer, at most.
 */
export function fullWindow(
  { microBatchSize, microBatchTokens, gradientAccumulationSteps }: OrpoOptions,
  maxLength: number,
): PairTokens[] {
  const prompt = Math.floor(maxLength / 2);
  const answer = maxLength - prompt;
  const fitting = Math.max(1, Math.floor(microBatchTokens / (prompt + 2 * answer)));
  const pairs = Math.min(microBatchSize, fitting) * Math.min(gradientAccumulationSteps, 2);
  return Array.from({ length: pairs }, (_, i) => {
    const ids = (length: number) => new Int32Array(length).fill(i % 2);
    // Prompts that differ, so that none is shared.
    const promptIds = ids(prompt).fill(1, 0, i % (prompt + 1));
    return { id: `${i}`, promptIds, chosenIds: ids(answer), rejectedIds: ids(answer) };
  });
}

/** The batches of an evaluation that are rehearsed, the largest among them. */
function scoredOf(evaluation: readonly PairTokens[], limits: BatchLimits): PairTokens[][] {
  const batches = [
    ...scoringBatches(evaluation, { batchSize: limits.pairs, batchTokens: limits.tokens }),
  ];
  const largest = batches.reduce<PairTokens[]>(
    (most, batch) => rowsOf(batch) > rowsOf(most) ? batch : most,
    [],
  );
  return batches.length === 0 ? [] : [...batches.slice(0, MORE), largest];
}

function largestWindow(
  windows: readonly (readonly PairTokens[])[],
  limits: BatchLimits,
): readonly PairTokens[] {
  let [largest, most] = [windows[0]!, 0];
  for (const window of windows) {
    const rows = Math.max(...cutPairs(window, limits).map(rowsOf));
    if (rows > most) [largest, most] = [window, rows];
  }
  return largest;
}
