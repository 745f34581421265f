/**
 * Scores held-out pairs under a model, batch by batch, without gradients. Used between training
 * steps and by the evaluate stage; memory does not grow with the number of pairs.
 */

import type { CausalLM } from "../models/model.ts";
import { targetLogProbs } from "../ops/head/head.ts";
import { takeFloats } from "../tensor/readback.ts";
import { tf } from "../tensor/tf.ts";
import type { PairBatch, PairTokens } from "./batch.ts";
import { batchScores, type PairScore } from "./metrics.ts";
import type { NllScope } from "./objective.ts";
import { pairSums } from "./orpo_loss.ts";
import { packedBatch } from "./packed_batch.ts";
import { checkPair } from "./pair_store.ts";
import { ScoringBatches, type ScoringLimits } from "./scoring_batches.ts";

/** How pairs are scored. */
export interface ScoreOptions extends ScoringLimits {
  /** What the NLL covers. */
  nllScope: NllScope;
  /** Aborts between batches. */
  signal?: AbortSignal;
}

/**
 * Gives the score of every pair, in their order. A batch is made and handed to the device before
 * the scores of the one before it are awaited.
 *
 * @throws {OddsmithError} VOCAB_TOO_SMALL, PAIR_TOO_LONG or EMPTY_ANSWER for a pair the model
 * cannot score; the signal's reason once it aborts.
 */
export async function* scorePairs(
  model: CausalLM,
  pairs: Iterable<PairTokens> | AsyncIterable<PairTokens>,
  options: ScoreOptions,
): AsyncGenerator<PairScore> {
  let scoring: Promise<PairScore[]> | undefined;
  try {
    for await (const batch of batchesOf(model, pairs, options)) {
      options.signal?.throwIfAborted();
      const before = scoring;
      scoring = scoreBatch(model, batch);
      if (before) yield* await before;
    }
    options.signal?.throwIfAborted();
    if (scoring) yield* await scoring;
  } finally {
    // Where the caller stops early, or a batch is refused, nothing is left running.
    await scoring?.catch(() => {});
  }
}

async function* batchesOf(
  model: CausalLM,
  pairs: Iterable<PairTokens> | AsyncIterable<PairTokens>,
  options: ScoreOptions,
): AsyncGenerator<PairBatch> {
  const { nllScope, batchTokens } = options;
  const batches = new ScoringBatches(options);
  for await (const pair of pairs) {
    checkPair(pair, model.config);
    const full = batches.add(pair);
    if (full) yield packedBatch(full, nllScope, batchTokens);
  }
  if (batches.rest().length > 0) yield packedBatch(batches.rest(), nllScope, batchTokens);
}

async function scoreBatch(model: CausalLM, batch: PairBatch): Promise<PairScore[]> {
  const sums = tf.tidy(() => {
    const hidden = model.hidden(batch.tokens);
    return pairSums(targetLogProbs(hidden, model.head(), batch.rows, batch.targets), batch);
  });
  const ids = batch.pairs.map((pair) => pair.id);
  return batchScores(ids, batch.counts, await takeFloats(sums));
}
