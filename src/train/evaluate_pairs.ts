/**
 * Scores held-out pairs under a model, batch by batch, without gradients. Used between training
 * steps and by the evaluate stage; memory does not grow with the number of pairs.
 */

import type { CausalLM } from "../models/model.ts";
import { targetLogProbs } from "../ops/head.ts";
import { takeFloats } from "../tensor/readback.ts";
import { tf } from "../tensor/tf.ts";
import { makeBatch, type PairTokens } from "./batch.ts";
import { batchScores, type PairScore } from "./metrics.ts";
import type { NllScope } from "./objective.ts";
import { pairSums } from "./orpo_loss.ts";
import { checkPair } from "./pair_store.ts";

/** How pairs are scored. */
export interface ScoreOptions {
  /** Pairs a batch; 2 sequences each. */
  batchSize: number;
  /** What the NLL covers. */
  nllScope: NllScope;
  /** Aborts between batches. */
  signal?: AbortSignal;
}

/**
 * Gives the score of every pair, in their order.
 *
 * @throws {OddsmithError} VOCAB_TOO_SMALL, PAIR_TOO_LONG or EMPTY_ANSWER for a pair the model
 * cannot score; the signal's reason once it aborts.
 */
export async function* scorePairs(
  model: CausalLM,
  pairs: Iterable<PairTokens> | AsyncIterable<PairTokens>,
  options: ScoreOptions,
): AsyncGenerator<PairScore> {
  let waiting: PairTokens[] = [];
  for await (const pair of pairs) {
    checkPair(pair, model.config);
    waiting.push(pair);
    if (waiting.length < options.batchSize) continue;
    yield* await scoreBatch(model, waiting, options);
    waiting = [];
  }
  if (waiting.length > 0) yield* await scoreBatch(model, waiting, options);
}

async function scoreBatch(
  model: CausalLM,
  pairs: readonly PairTokens[],
  options: ScoreOptions,
): Promise<PairScore[]> {
  options.signal?.throwIfAborted();
  const batch = makeBatch(pairs, options.nllScope, model.config.maxPositionEmbeddings);
  const sums = tf.tidy(() => {
    const logProbs = targetLogProbs(
      model.hidden(batch),
      model.headWeight(),
      batch.rows,
      batch.targets,
    );
    return pairSums(logProbs, batch);
  });
  return batchScores(pairs.map((pair) => pair.id), batch.counts, await takeFloats(sums));
}
