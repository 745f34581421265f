/** What a training is besides its tensors: plain data, saved with every checkpoint. */

import type { TokenCounts } from "./batch.ts";
import type { KeptTuning } from "./kept_tuning.ts";
import type { PairMetrics } from "./metrics.ts";
import type { DataPosition } from "./sampler.ts";

/** An evaluation's figures and when it was made. */
export interface EvalRecord {
  /** Optimizer steps done before it. */
  step: number;
  /** Its figures, by the names of `PAIR_METRICS`. */
  metrics: PairMetrics;
}

/** How much of a training is on the device at a time. */
export interface KeptPlan {
  /** Layers computed twice. */
  recomputedLayers: number;
  /** Tokens a micro-batch, at most. */
  microBatchTokens: number;
  /** Most bytes the device was predicted to hold; absent where that was not rehearsed. */
  predictedPeakBytes?: number;
  /** The options it was planned by, as JSON. */
  asked?: string;
}

/** Where a training is. */
export interface TrainState {
  /** Optimizer steps done. */
  step: number;
  /** Where the next step's pairs start. */
  position: DataPosition;
  /** The first evaluation, before any step. */
  firstEval?: EvalRecord;
  /** The latest evaluation. */
  lastEval?: EvalRecord;
  /** The best evaluation by the figure asked for. */
  best?: { step: number; value: number };
  /** Evaluations in a row without gain. */
  evalsWithoutGain: number;
  /** True once early stopping ended the training. */
  stoppedEarly: boolean;
  /** Bytes of steps.jsonl that belong to these steps. */
  logBytes: number;
  /** Pairs trained on, repeats counted. */
  pairs: number;
  /** Tokens trained on, repeats counted: of prompt + chosen and prompt + rejected. */
  tokens: number;
  /** Prompt tokens among them that were not computed again for another answer. */
  sharedTokens: number;
  /** Rows that went through the model for them. */
  usedTokens: number;
  /** Rows that went through the model in all, dead ones included. */
  dispatchedTokens: number;
  /** Time spent on optimizer steps, evaluation and saving left out. */
  trainMs: number;
  /** Most bytes the device held. */
  peakMemoryBytes: number;
  /** How it is run, fixed when it began unless other options ask for other memory. */
  memory?: KeptPlan;
  /** What its kernels are chosen by; absent off webgpu. */
  tuning?: KeptTuning;
}

/** The state before the first step. */
export function initialState(position: DataPosition): TrainState {
  return {
    step: 0,
    position,
    evalsWithoutGain: 0,
    stoppedEarly: false,
    logBytes: 0,
    pairs: 0,
    tokens: 0,
    sharedTokens: 0,
    usedTokens: 0,
    dispatchedTokens: 0,
    trainMs: 0,
    peakMemoryBytes: 0,
  };
}

/** What an optimizer step adds to the state. */
export interface StepCosts {
  /** Where the next step's pairs start. */
  position: DataPosition;
  /** Pairs trained on. */
  pairs: number;
  /** Tokens trained on. */
  sizes: TokenCounts;
  /** Most bytes the device held during it. */
  peakMemoryBytes: number;
}

/** Counts one more optimizer step. */
export function countStep(state: TrainState, costs: StepCosts): void {
  state.step++;
  state.position = costs.position;
  state.pairs += costs.pairs;
  state.tokens += costs.sizes.trained;
  state.sharedTokens += costs.sizes.shared;
  state.usedTokens += costs.sizes.used;
  state.dispatchedTokens += costs.sizes.dispatched;
  state.peakMemoryBytes = Math.max(state.peakMemoryBytes, costs.peakMemoryBytes);
}
