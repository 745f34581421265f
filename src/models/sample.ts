/** Chooses the next token from a row of logits. Plain arrays; the randomness is the caller's. */

import type { Rng } from "../base/rng.ts";
import { nonFiniteLogits } from "./errors.ts";

/** How freely tokens are chosen. */
export interface SamplingOptions {
  /** Divides the logits; 0 takes the likeliest token. Default 0. */
  readonly temperature?: number;
  /** Only the k likeliest tokens may be chosen. Default: all. */
  readonly topK?: number;
  /** Only the likeliest tokens that together reach this probability. In (0, 1], default 1. */
  readonly topP?: number;
}

/**
 * Draws a token: temperature first, then top-k, then top-p of what is left.
 *
 * @throws {OddsmithError} ModelError NON_FINITE.
 */
export function sampleToken(logits: Float32Array, options: SamplingOptions, rng: Rng): number {
  const { temperature = 0, topK = logits.length, topP = 1 } = options;
  const best = likeliest(logits);
  if (temperature === 0) return best;
  const top = logits[best]!;
  const candidates = Array.from(logits, (logit, id) => ({
    id,
    weight: Math.exp((logit - top) / temperature),
  })).sort((a, b) => b.weight - a.weight || a.id - b.id).slice(0, topK);
  const kept = withinMass(candidates, topP);
  let rest = rng.next() * total(kept);
  for (const { id, weight } of kept) {
    rest -= weight;
    if (rest < 0) return id;
  }
  return kept[kept.length - 1]!.id;
}

interface Candidate {
  id: number;
  weight: number;
}

/** The shortest run of candidates, likeliest first, that reaches the probability. */
function withinMass(candidates: Candidate[], probability: number): Candidate[] {
  let rest = probability * total(candidates);
  const end = candidates.findIndex(({ weight }) => (rest -= weight) <= 0);
  return end < 0 ? candidates : candidates.slice(0, end + 1);
}

/** The likeliest token; the first of equal ones. */
function likeliest(logits: Float32Array): number {
  if (!logits.every(Number.isFinite)) throw nonFiniteLogits();
  return logits.reduce((best, logit, id) => logit > logits[best]! ? id : best, 0);
}

function total(candidates: Candidate[]): number {
  return candidates.reduce((sum, { weight }) => sum + weight, 0);
}
