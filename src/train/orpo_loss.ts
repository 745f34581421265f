/**
 * The ORPO loss on the device: from the targets' log-probabilities of a micro-batch to its share
 * of the optimizer step's loss. The odds-ratio term is free of cancellation and has its own
 * gradient; odds_ratio.ts is its float64 reference.
 *
 * Invariant: shares of the micro-batches of a window add up to the window's loss, however the
 * window is cut into micro-batches.
 */

import { weightedSums } from "../ops/weighted_sums.ts";
import { withGradient } from "../tensor/gradient.ts";
import { tf } from "../tensor/tf.ts";
import type { PairBatch, PairCounts } from "./batch.ts";
import type { OrpoObjective } from "./objective.ts";
import { ODDS_FLOOR } from "./odds_ratio.ts";

/** What the means of an optimizer step divide by; known before its first micro-batch. */
export interface WindowCounts {
  /** Pairs of the whole accumulation window. */
  readonly pairs: number;
  /** Tokens its NLL covers. */
  readonly nllTokens: number;
}

/** Adds up the counts of a window's pairs. */
export function countWindow(counts: Iterable<PairCounts>): WindowCounts {
  let pairs = 0;
  let nllTokens = 0;
  for (const count of counts) {
    pairs++;
    nllTokens += count.nll;
  }
  return { pairs, nllTokens };
}

/** Below this distance from 0, exp(x) - 1 in float32 cancels and its series is taken. */
const SERIES_BELOW = 0.0625;

/** 1 - e^x for x <= 0 in float32, relative error below 2e-6 also near 0. */
function oneMinusExp(x: tf.Tensor1D): tf.Tensor1D {
  // -x (1 + x/2 (1 + x/3 (1 + x/4 (1 + x/5)))): the rest is below x^5/720.
  let series = x.div<tf.Tensor1D>(5).add<tf.Tensor1D>(1);
  for (const n of [4, 3, 2]) series = series.mul(x).div<tf.Tensor1D>(n).add(1);
  series = series.mul(x.neg());
  return tf.where(x.greater(-SERIES_BELOW), series, tf.sub(1, x.exp<tf.Tensor1D>()));
}

/**
 * Gives the odds-ratio loss of each pair; differentiable once, by the analytic gradient.
 *
 *     L = log1p((Pl*qw) / (Pw*ql)),  dL/da = -Pl/D,  dL/db = (Pl*qw) / (ql*D),
 *     Pw = e^a, Pl = e^b, qw = 1 - Pw, ql = max(1 - Pl, ODDS_FLOOR), D = Pl*qw + Pw*ql
 *
 * Saved for the gradient: the two derivatives, [B] each.
 *
 * @param chosen a, [B]: mean log-probability of the chosen answers; above 0 counts as 0.
 * @param rejected b, [B]: the same of the rejected answers.
 * @returns [B], finite for every a, b <= 0.
 */
export function oddsRatioLoss(chosen: tf.Tensor1D, rejected: tf.Tensor1D): tf.Tensor1D {
  return withGradient(
    [chosen, rejected],
    (save) => {
      const { loss, gradChosen, gradRejected } = oddsRatioTerms(chosen, rejected);
      save([gradChosen, gradRejected]);
      return loss;
    },
    (dY, saved) => saved.map((gradient) => tf.mul(dY, gradient)),
  );
}

function oddsRatioTerms(
  chosen: tf.Tensor1D,
  rejected: tf.Tensor1D,
): Record<"loss" | "gradChosen" | "gradRejected", tf.Tensor1D> {
  const a = tf.minimum<tf.Tensor1D>(chosen, 0);
  const b = tf.minimum<tf.Tensor1D>(rejected, 0);
  const qw = oneMinusExp(a);
  const ql = tf.maximum<tf.Tensor1D>(oneMinusExp(b), ODDS_FLOOR);
  // Pw and Pl are divided by the larger of the two: it cancels, and neither underflows alone.
  const shift = tf.maximum<tf.Tensor1D>(a, b);
  const pw = tf.exp<tf.Tensor1D>(a.sub(shift));
  const pl = tf.exp<tf.Tensor1D>(b.sub(shift));
  const u = tf.mul<tf.Tensor1D>(pl, qw);
  const v = tf.mul<tf.Tensor1D>(pw, ql);
  const total = tf.add<tf.Tensor1D>(u, v);
  const tail = tf.log1p<tf.Tensor1D>(tf.minimum(u, v).div(tf.maximum(u, v)));
  const excess = b.sub(a).add<tf.Tensor1D>(tf.maximum(qw, ODDS_FLOOR).div(ql).log());
  return {
    loss: tf.where(tf.greater(u, v), tf.add(tail, excess), tail),
    gradChosen: tf.neg(tf.div(pl, total)),
    gradRejected: tf.div(u, tf.mul(ql, total)),
  };
}

/** A micro-batch's share of the loss, and what its metrics are made of. */
export interface BatchLoss {
  /** Scalar: this micro-batch's share of NLL + beta * L_OR of the window. */
  readonly loss: tf.Scalar;
  /** [3B]: a of every pair, then b, then the sum of log-probabilities over the NLL's tokens. */
  readonly sums: tf.Tensor1D;
}

/**
 * Reduces targets' log-probabilities to figures of pairs.
 *
 * @param logProbs [M], as the batch's targets.
 * @returns [3B]: a, b and the NLL's sum of log-probabilities, pair by pair.
 */
export function pairSums(logProbs: tf.Tensor1D, batch: PairBatch): tf.Tensor1D {
  return weightedSums(logProbs, batch.shares, 3 * batch.pairs.length);
}

/**
 * Gives a micro-batch's share of the window's loss:
 *
 *     nllReduction token:    -sum(log p) / N                       N: the window's NLL tokens
 *     nllReduction example:  -sum over pairs of mean(log p) / W    W: the window's pairs
 *     odds ratio:            beta * sum over pairs of L_OR / W
 *
 * @param logProbs [M], differentiable.
 */
export function orpoBatchLoss(
  logProbs: tf.Tensor1D,
  batch: PairBatch,
  window: WindowCounts,
  objective: OrpoObjective,
): BatchLoss {
  const B = batch.pairs.length;
  const sums = pairSums(logProbs, batch);
  const weights = batch.counts.map(({ nll }) =>
    objective.nllReduction === "token" ? 1 / window.nllTokens : 1 / (nll * window.pairs)
  );
  const nll = sums.slice(2 * B, B).mul(tf.tensor1d(weights)).sum<tf.Scalar>().neg<tf.Scalar>();
  if (objective.beta === 0) return { loss: nll, sums };
  const odds = oddsRatioLoss(sums.slice(0, B), sums.slice(B, B)).sum<tf.Scalar>();
  return { loss: nll.add(odds.mul(objective.beta / window.pairs)), sums };
}
