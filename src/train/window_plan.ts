/**
 * An optimizer step's micro-batches, made on the host before the device needs them.
 */

import { usesFused } from "../tensor/kernels.ts";
import { countTargets, type PairBatch, type PairTokens } from "./batch.ts";
import type { NllScope } from "./objective.ts";
import { countWindow, type WindowCounts } from "./orpo_loss.ts";
import { packedBatch } from "./packed_batch.ts";
import { type BatchForm, type BatchLimits, cutPacked, cutPadded } from "./packing.ts";
import { paddedBatch } from "./padded_batch.ts";

/** The form that is quickest on the current device. */
export function deviceForm(): BatchForm {
  return usesFused() ? "packed" : "padded";
}

/** How pairs are made into micro-batches. */
export interface PlanOptions {
  /** What a micro-batch may be at most. */
  readonly limits: BatchLimits;
  /** What the NLL covers. */
  readonly nllScope: NllScope;
  /** The model's positions: no padded sequence is longer. */
  readonly maxLength: number;
  /** Default `deviceForm()`. */
  readonly form?: BatchForm;
}

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
export function planWindow(pairs: readonly PairTokens[], options: PlanOptions): WindowPlan {
  const { limits, maxLength, nllScope, form = deviceForm() } = options;
  const counts = countWindow(pairs.map((pair) => countTargets(pair, nllScope)));
  const cut = form === "packed" ? cutPacked(pairs, limits) : cutPadded(pairs, limits, maxLength);
  return { batches: cut.map((some) => layOut(some, { ...options, form })), counts };
}

/**
 * Builds one micro-batch of pairs, in their order.
 *
 * @throws {OddsmithError} EMPTY_ANSWER.
 */
export function layOut(
  pairs: readonly PairTokens[],
  { limits, nllScope, maxLength, form = deviceForm() }: PlanOptions,
): PairBatch {
  return form === "packed"
    ? packedBatch(pairs, nllScope, limits.tokens)
    : paddedBatch(pairs, nllScope, maxLength);
}
