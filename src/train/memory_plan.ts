/**
 * Fits a training into a budget of device memory: how many layers to compute twice, and how many
 * tokens a micro-batch may have. Both leave the result as it is, apart from rounding where a
 * micro-batch is cut differently, so the planner may choose them; what it needs it rehearses.
 */

import type { ModelConfig } from "../models/config.ts";
import type { MemoryForecast } from "./forecast.ts";
import { memoryTooSmall } from "./errors.ts";

/** What a training is run with. */
export interface MemoryPlan {
  /** Layers computed twice. */
  readonly recomputedLayers: number;
  /** Tokens a micro-batch, at most. */
  readonly microBatchTokens: number;
  readonly forecast: MemoryForecast;
}

/** What to plan. */
export interface PlanRequest {
  /** Bytes of device memory that may be held; absent: any. */
  readonly budgetBytes?: number;
  /** Layers to compute twice, where the user has said so. */
  readonly recomputedLayers?: number;
  /** Tokens a micro-batch may have at most. */
  readonly microBatchTokens: number;
  /** Tokens of the longest pair: a micro-batch cannot have fewer. */
  readonly longestPair: number;
  readonly config: Pick<ModelConfig, "numHiddenLayers">;
  /** Rehearses the training. */
  readonly forecast: (recomputedLayers: number, microBatchTokens: number) => MemoryForecast;
}

/**
 * Takes as few layers twice as fit, and the tokens asked for; where all layers twice do not fit
 * either, half the tokens, and so on.
 *
 * @throws {OddsmithError} TrainError MEMORY_BUDGET where nothing fits, with what is needed.
 */
export function planMemory(request: PlanRequest): MemoryPlan {
  const { budgetBytes = Infinity, recomputedLayers, longestPair, forecast } = request;
  const layers = request.config.numHiddenLayers;
  const fits = (plan: MemoryPlan) => plan.forecast.peakBytes <= budgetBytes;
  const at = (recomputed: number, tokens: number): MemoryPlan => ({
    recomputedLayers: recomputed,
    microBatchTokens: tokens,
    forecast: forecast(recomputed, tokens),
  });
  const [fewest, most] = recomputedLayers === undefined
    ? [0, budgetBytes === Infinity ? 0 : layers]
    : [Math.min(recomputedLayers, layers), Math.min(recomputedLayers, layers)];
  for (let tokens = request.microBatchTokens;; tokens = Math.ceil(tokens / 2)) {
    const best = at(fewest, tokens);
    if (fits(best)) return best;
    const least = most === fewest ? best : at(most, tokens);
    if (fits(least)) return fewestThatFit(fewest, least, (n) => at(n, tokens), fits);
    if (tokens <= Math.max(longestPair, 1)) {
      throw memoryTooSmall(least.forecast.peakBytes, budgetBytes, tokens);
    }
  }
}

/** Bisects between a number of layers that does not fit and a plan that does. */
function fewestThatFit(
  tooFew: number,
  fitting: MemoryPlan,
  at: (layers: number) => MemoryPlan,
  fits: (plan: MemoryPlan) => boolean,
): MemoryPlan {
  let low = tooFew;
  let best = fitting;
  while (best.recomputedLayers - low > 1) {
    const plan = at(Math.floor((low + best.recomputedLayers) / 2));
    if (fits(plan)) best = plan;
    else low = plan.recomputedLayers;
  }
  return best;
}
