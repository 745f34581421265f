/**
 * Which of many held-out pairs a page shows: those the model gets most wrong and most right, and a
 * cloud of points that stays small. One pass in flat memory.
 */

import type { EvaluatedPair } from "./evaluation.ts";
import type { PairPoint } from "./chart.ts";

/** What is shown of an evaluation's pairs. */
export interface PairSelection {
  /** Lowest margin of chosen over rejected first. */
  worst: EvaluatedPair[];
  /** Highest margin first. */
  best: EvaluatedPair[];
  /** Points of the pairs under the model before training; empty where there is none. */
  before: PairPoint[];
  /** Points of the same pairs under the model after it. */
  after: PairPoint[];
  /** Pairs seen. */
  total: number;
}

/** How many of each are kept. */
export interface SelectionLimits {
  /** Pairs there are. */
  total: number;
  /** Of the worst, and of the best. Default 6. */
  extremes?: number;
  /** Most points of the cloud; every nth pair gives one. Default 500. */
  points?: number;
}

/** The mean log-probability of the chosen answer less that of the rejected one, after training. */
export function pairMargin(pair: EvaluatedPair): number {
  return pair.after.logpsChosen - pair.after.logpsRejected;
}

/** Selects what a page shows. */
export async function selectPairs(
  pairs: AsyncIterable<EvaluatedPair>,
  limits: SelectionLimits,
): Promise<PairSelection> {
  const { extremes = 6, points = 500 } = limits;
  const stride = Math.max(1, Math.ceil(limits.total / points));
  const selection: PairSelection = { worst: [], best: [], before: [], after: [], total: 0 };
  for await (const pair of pairs) {
    insert(selection.worst, pair, extremes, (a, b) => pairMargin(a) - pairMargin(b));
    insert(selection.best, pair, extremes, (a, b) => pairMargin(b) - pairMargin(a));
    if (selection.total++ % stride !== 0) continue;
    const { before, after } = pair;
    selection.after.push({ chosen: after.logpsChosen, rejected: after.logpsRejected });
    if (before) {
      selection.before.push({ chosen: before.logpsChosen, rejected: before.logpsRejected });
    }
  }
  const shown = new Set(selection.worst.map((pair) => pair.id));
  selection.best = selection.best.filter((pair) => !shown.has(pair.id));
  return selection;
}

function insert(
  kept: EvaluatedPair[],
  pair: EvaluatedPair,
  limit: number,
  compare: (a: EvaluatedPair, b: EvaluatedPair) => number,
): void {
  const at = kept.findIndex((other) => compare(pair, other) < 0);
  kept.splice(at < 0 ? kept.length : at, 0, pair);
  if (kept.length > limit) kept.pop();
}
