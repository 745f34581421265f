/** An optimizer step's micro-batches, made on the host before the device needs them. */

import { countTargets, type PairBatch, type PairTokens } from "./batch.ts";
import type { NllScope } from "./objective.ts";
import { countWindow, type WindowCounts } from "./orpo_loss.ts";
import { packedBatch } from "./packed_batch.ts";
import { type BatchLimits, cutPairs } from "./packing.ts";

/** The micro-batches of an optimizer step, and what its means divide by. */
export interface WindowPlan {
  readonly batches: readonly PairBatch[];
  readonly counts: WindowCounts;
}

/**
 * Cuts the pairs of an optimizer step into micro-batches and lays those out.
 *
 * @throws {OddsmithError} EMPTY_ANSWER.
 */
export function planWindow(
  pairs: readonly PairTokens[],
  nllScope: NllScope,
  limits: BatchLimits,
): WindowPlan {
  const counts = countWindow(pairs.map((pair) => countTargets(pair, nllScope)));
  const batches = cutPairs(pairs, limits).map((some) => packedBatch(some, nllScope, limits.tokens));
  return { batches, counts };
}
