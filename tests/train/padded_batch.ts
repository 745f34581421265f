/**
 * Micro-batches as other trainers make them, for comparisons: a padded block in which sequences
 * 0..B-1 are prompt + chosen and B..2B-1 prompt + rejected, right-padded to T. T is rounded up to
 * a size class, so that the device's buffers are of few sizes.
 */

import { sizeClass } from "../../src/tensor/size_class.ts";
import {
  countTargets,
  longestSequence,
  type PairBatch,
  type PairTokens,
  trainedTokens,
} from "../../src/train/batch.ts";
import type { NllScope } from "../../src/train/objective.ts";
import { countWindow } from "../../src/train/orpo_loss.ts";
import { TargetTable } from "../../src/train/target_table.ts";
import type { WindowPlan } from "../../src/train/window_plan.ts";

/** Builds the micro-batch of some pairs.. @throws {OddsmithError} EMPTY_ANSWER. */
export function paddedBatch(
  pairs: readonly PairTokens[],
  nllScope: NllScope,
): PairBatch {
  const B = pairs.length;
  const counts = pairs.map((pair) => countTargets(pair, nllScope));
  const length = sizeClass(Math.max(...pairs.map(longestSequence)));
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

/**
 * Cuts a window into padded micro-batches of `size` pairs, in their order or, `sorted`, with like
 * lengths together, which saves padding.
 */
export function paddedWindow(
  pairs: readonly PairTokens[],
  nllScope: NllScope,
  { size, sorted = false }: { size: number; sorted?: boolean },
): WindowPlan {
  const ordered = [...pairs];
  if (sorted) ordered.sort((a, b) => longestSequence(a) - longestSequence(b));
  const batches: PairBatch[] = [];
  for (let at = 0; at < ordered.length; at += size) {
    batches.push(paddedBatch(ordered.slice(at, at + size), nllScope));
  }
  return { batches, counts: countWindow(batches.flatMap((batch) => batch.counts)) };
}
