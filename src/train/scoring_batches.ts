/** Cuts pairs that are scored alone into batches, in their order. */

import type { PairTokens } from "./batch.ts";
import { rowsOf } from "./packing.ts";

/** How large a batch may be. */
export interface ScoringLimits {
  /** Pairs a batch, at most. */
  readonly batchSize: number;
  /** Tokens a batch, dead ones included, at most; a pair that has more goes alone. Default: any. */
  readonly batchTokens?: number;
}

/** Gathers pairs until a batch is full. */
export class ScoringBatches {
  readonly #limits: ScoringLimits;
  #waiting: PairTokens[] = [];

  constructor(limits: ScoringLimits) {
    this.#limits = limits;
  }

  /** Takes a pair in; gives the batch before it where that has no room for it. */
  add(pair: PairTokens): PairTokens[] | undefined {
    const { batchSize, batchTokens = Infinity } = this.#limits;
    const before = this.#waiting;
    const fits = before.length < batchSize && rowsOf([...before, pair]) <= batchTokens;
    if (before.length === 0 || fits) {
      before.push(pair);
      return undefined;
    }
    this.#waiting = [pair];
    return before;
  }

  /** The last batch, empty where no pair was taken in. */
  rest(): PairTokens[] {
    return this.#waiting;
  }
}

/** All batches of pairs that are at hand. */
export function* scoringBatches(
  pairs: Iterable<PairTokens>,
  limits: ScoringLimits,
): Generator<PairTokens[]> {
  const batches = new ScoringBatches(limits);
  for (const pair of pairs) {
    const full = batches.add(pair);
    if (full) yield full;
  }
  if (batches.rest().length > 0) yield batches.rest();
}
