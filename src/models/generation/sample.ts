/**
 * Chooses the next token from a row of logits, by the rules of transformers and in their order:
 * repetition penalty, temperature, top-k, top-p, min-p. Plain arrays; the randomness is the
 * caller's.
 */

import type { Rng } from "../../base/rng.ts";
import { nonFiniteLogits } from "../errors.ts";

/** How freely tokens are chosen. */
export interface SamplingOptions {
  /** Divides the logits; 0 takes the likeliest token. Default 0. */
  readonly temperature?: number;
  /** Only the k likeliest tokens may be chosen, and those as likely as the k-th. Default 0: all. */
  readonly topK?: number;
  /** Only the likeliest tokens that together reach this probability. In (0, 1], default 1. */
  readonly topP?: number;
  /** Only tokens at least this times as likely as the likeliest. In [0, 1], default 0. */
  readonly minP?: number;
  /**
   * Above 1 makes tokens that were there before less likely: divides their logits where positive,
   * multiplies them where negative. Default 1.
   */
  readonly repetitionPenalty?: number;
}

/** Tokens that may be chosen, and how likely each is; the probabilities' sum is 1. */
export interface TokenChoices {
  readonly ids: readonly number[];
  readonly probabilities: readonly number[];
}

/**
 * Draws a token.
 *
 * @param past Ids of prompt and text so far, for the repetition penalty.
 * @throws {OddsmithError} ModelError NON_FINITE.
 */
export function sampleToken(
  logits: Float32Array,
  options: SamplingOptions,
  rng: Rng,
  past: Iterable<number> = [],
): number {
  const { ids, probabilities } = tokenChoices(logits, options, past);
  if (ids.length === 1) return ids[0]!;
  let rest = rng.next();
  const at = probabilities.findIndex((probability) => (rest -= probability) < 0);
  // What rounding leaves over goes to the last one.
  return ids[at < 0 ? ids.length - 1 : at]!;
}

/**
 * Tokens that may come next, with their probabilities.
 *
 * @param past As in `sampleToken`.
 * @throws {OddsmithError} ModelError NON_FINITE.
 */
export function tokenChoices(
  logits: Float32Array,
  options: SamplingOptions,
  past: Iterable<number> = [],
): TokenChoices {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  const scores = repetitionPenalty === 1 ? logits : penalized(logits, past, repetitionPenalty);
  const best = likeliest(scores);
  if (temperature === 0) return { ids: [best], probabilities: [1] };
  const top = scores[best]!;
  const weights = Float64Array.from(scores, (score) => Math.exp((score - top) / temperature));
  let ids = topK > 0 && topK < scores.length
    ? idsWhere(scores, nthLargest(scores, topK))
    : [...weights.keys()];
  if (topP < 1) ids = withinMass(ids, weights, topP);
  if (minP > 0) ids = ids.filter((id) => weights[id]! >= minP);
  const sum = total(ids, weights);
  return { ids, probabilities: ids.map((id) => weights[id]! / sum) };
}

function penalized(logits: Float32Array, past: Iterable<number>, penalty: number): Float32Array {
  const scores = Float32Array.from(logits);
  for (const id of new Set(past)) {
    const logit = logits[id]!;
    scores[id] = logit < 0 ? logit * penalty : logit / penalty;
  }
  return scores;
}

/** The likeliest token; the first of equal ones. */
function likeliest(scores: Float32Array): number {
  let best = 0;
  for (let id = 0; id < scores.length; id++) {
    if (!Number.isFinite(scores[id])) throw nonFiniteLogits();
    if (scores[id]! > scores[best]!) best = id;
  }
  return best;
}

function nthLargest(scores: Float32Array, n: number): number {
  return scores.toSorted()[scores.length - n]!;
}

function idsWhere(scores: Float32Array, least: number): number[] {
  const ids: number[] = [];
  scores.forEach((score, id) => {
    if (score >= least) ids.push(id);
  });
  return ids;
}

/** The fewest ids, likeliest first, that reach the share of all weight; of equal ones the last. */
function withinMass(ids: readonly number[], weights: Float64Array, share: number): number[] {
  const sum = total(ids, weights);
  // All ids at or below this together are outside: without them, sorting takes no time.
  const outside = (1 - share) * sum / ids.length;
  const sorted = ids.filter((id) => weights[id]! > outside)
    .sort((a, b) => weights[b]! - weights[a]! || b - a);
  let rest = share * sum;
  const end = sorted.findIndex((id) => (rest -= weights[id]!) <= 0);
  return end < 0 ? sorted : sorted.slice(0, end + 1);
}

function total(ids: readonly number[], weights: Float64Array): number {
  return ids.reduce((sum, id) => sum + weights[id]!, 0);
}
