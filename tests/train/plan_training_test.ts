/** planTraining: held-out pairs are part of what is rehearsed. */

import { assert, assertEquals } from "@std/assert";
import { unfilledModel } from "../../src/models/unfilled.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { COMMON_TARGET } from "../../src/tensor/rehearsal.ts";
import type { PairTokens } from "../../src/train/batch.ts";
import { planTraining } from "../../src/train/plan_training.ts";
import { scoringBatches } from "../../src/train/scoring_batches.ts";
import { TINY_CONFIG } from "./tiny_llama.ts";
import { options, tinyPairs } from "./tiny_model.ts";

/** Pairs of one length: `tokens` of prompt and of each answer. */
function pairsOf(count: number, tokens: number): PairTokens[] {
  return tinyPairs(count, "plan").map(({ id }) => ({
    id,
    promptIds: Array.from({ length: tokens }, (_, i) => i % 7),
    chosenIds: Array.from({ length: tokens }, () => 1),
    rejectedIds: Array.from({ length: tokens }, () => 2),
  }));
}

Deno.test("planTraining: what scoring held-out pairs takes is told too", async () => {
  await openDevice("cpu");
  const peak = (evaluation: PairTokens[], memoryBudget?: number) =>
    planTraining({
      target: COMMON_TARGET,
      config: TINY_CONFIG,
      makeModel: () => unfilledModel(TINY_CONFIG),
      options: options({ microBatchSize: 2, memoryBudget }),
      windows: [pairsOf(2, 4)],
      evaluation,
    }).forecast.peakBytes;
  const alone = peak([]);
  assert(peak(pairsOf(9, 2)) < 1.2 * alone, "short ones fit into what a step takes");
  const long = peak([...pairsOf(5, 2), ...pairsOf(1, 2000), ...pairsOf(4, 2)]);
  assert(long > 2 * alone, `${long} bytes, ${alone} without`);
});

Deno.test("scoringBatches: pairs in their order, as many as fit, a long one alone", () => {
  const pairs = [...pairsOf(3, 4), ...pairsOf(1, 50), ...pairsOf(2, 4)];
  const sizes = (limits: { batchSize: number; batchTokens?: number }) => {
    const batches = [...scoringBatches(pairs, limits)];
    assertEquals(batches.flat(), pairs);
    return batches.map((batch) => batch.length);
  };
  assertEquals(sizes({ batchSize: 2 }), [2, 2, 2]);
  assertEquals(sizes({ batchSize: 4, batchTokens: 40 }), [3, 1, 2]);
  assertEquals(sizes({ batchSize: 99, batchTokens: 1 }), [1, 1, 1, 1, 1, 1]);
  assertEquals([...scoringBatches([], { batchSize: 4 })], []);
});
