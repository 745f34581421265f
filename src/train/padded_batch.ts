/**
 * Micro-batches as a padded block, for backends without a packed attention: sequences 0..B-1 are
 * prompt + chosen, B..2B-1 prompt + rejected, right-padded to T. T is rounded up to a size class,
 * so that the device's buffers are of few sizes.
 */

import { sizeClass } from "../tensor/size_class.ts";
import {
  countTargets,
  longestSequence,
  type PairBatch,
  type PairTokens,
  trainedTokens,
} from "./batch.ts";
import type { NllScope } from "./objective.ts";
import { TargetTable } from "./target_table.ts";

/** T of a batch whose longest sequence has `longest` tokens. */
export function paddedLength(longest: number, maxLength: number): number {
  return Math.max(longest, Math.min(sizeClass(longest), maxLength));
}

/**
 * Builds the micro-batch of some pairs.
 *
 * @param maxLength The model's positions: T is not rounded beyond them.
 * @throws {OddsmithError} EMPTY_ANSWER, as `countTargets`.
 */
export function paddedBatch(
  pairs: readonly PairTokens[],
  nllScope: NllScope,
  maxLength: number = Infinity,
): PairBatch {
  const B = pairs.length;
  const counts = pairs.map((pair) => countTargets(pair, nllScope));
  const length = paddedLength(Math.max(...pairs.map(longestSequence)), maxLength);
  const inputIds = new Int32Array(2 * B * length);
  const table = new TargetTable();
  for (const [i, pair] of pairs.entries()) {
    const { promptIds, chosenIds, rejectedIds } = pair;
    const prompt = promptIds.length;
    const start = Math.max(prompt, 1);
    const chosenAt = i * length;
    inputIds.set(promptIds, chosenAt);
    inputIds.set(chosenIds, chosenAt + prompt);
    for (let t = nllScope === "all" ? 1 : start; t < prompt + chosenIds.length; t++) {
      table.add(chosenAt + t - 1, inputIds[chosenAt + t]!);
      if (t >= start) table.count(i, 1 / counts[i]!.chosen);
      table.count(2 * B + i, 1);
    }
    const rejectedAt = (B + i) * length;
    inputIds.set(promptIds, rejectedAt);
    inputIds.set(rejectedIds, rejectedAt + prompt);
    for (let t = start; t < prompt + rejectedIds.length; t++) {
      table.add(rejectedAt + t - 1, inputIds[rejectedAt + t]!);
      table.count(B + i, 1 / counts[i]!.rejected);
    }
  }
  const trained = pairs.reduce((sum, pair) => sum + trainedTokens(pair), 0);
  return {
    tokens: { inputIds, batchSize: 2 * B, length },
    pairs,
    counts,
    ...table.finish(),
    sizes: { trained, shared: 0, used: trained, dispatched: inputIds.length },
  };
}
