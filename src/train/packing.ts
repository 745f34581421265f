/**
 * Cuts the pairs of an optimizer step into micro-batches. A pure function of the pairs and the
 * limits: the same window is cut the same way in a run that was resumed.
 */

import type { PairTokens } from "./batch.ts";
import { answerRows, groupByPrompt } from "./packed_batch.ts";

/** What a micro-batch may be at most; the limit that is reached first ends it. */
export interface BatchLimits {
  /** Pairs. */
  readonly pairs: number;
  /** Rows that go through the model, dead ones included; a pair that has more goes alone. */
  readonly tokens: number;
}

/**
 * Cuts into as few micro-batches as hold the pairs, of as even lengths as can be, so that the
 * largest is small: there is no padding that like lengths would save. Pairs with the same prompt
 * stay together.
 *
 * Longest first, each to the emptiest micro-batch with room (Graham's LPT rule).
 */
export function cutPairs(pairs: readonly PairTokens[], limits: BatchLimits): PairTokens[][] {
  const items = groupByPrompt(pairs)
    .flatMap((group) => splitGroup(group.map((i) => pairs[i]!), limits))
    .sort((a, b) => b.tokens - a.tokens);
  const tokens = items.reduce((sum, item) => sum + item.tokens, 0);
  let count = Math.max(
    Math.ceil(tokens / limits.tokens),
    Math.ceil(pairs.length / limits.pairs),
    1,
  );
  for (;; count++) {
    const bins = distribute(items, count, limits);
    if (bins) return bins.map((bin) => bin.pairs);
  }
}

/** Rows of a micro-batch of these pairs, before its length is rounded. */
export function rowsOf(pairs: readonly PairTokens[]): number {
  let rows = pairs.reduce((sum, pair) => sum + answerRows(pair), 0);
  for (const [first] of groupByPrompt(pairs)) rows += pairs[first!]!.promptIds.length;
  return rows;
}

/** Pairs on one prompt, or a micro-batch being filled. */
interface Bin {
  pairs: PairTokens[];
  /** Rows of the stream. */
  tokens: number;
}

function splitGroup(group: readonly PairTokens[], limits: BatchLimits): Bin[] {
  const parts: Bin[] = [];
  for (const pair of group) {
    const rows = answerRows(pair);
    const part = parts.at(-1);
    const fits = part && part.pairs.length < limits.pairs && part.tokens + rows <= limits.tokens;
    if (fits) {
      part.pairs.push(pair);
      part.tokens += rows;
    } else {
      parts.push({ pairs: [pair], tokens: pair.promptIds.length + rows });
    }
  }
  return parts;
}

/** Gives at most `count` bins, or undefined where this rule finds no room. */
function distribute(
  items: readonly Bin[],
  count: number,
  limits: BatchLimits,
): Bin[] | undefined {
  const bins = Array.from({ length: count }, (): Bin => ({ pairs: [], tokens: 0 }));
  for (const { pairs, tokens } of items) {
    let best: Bin | undefined;
    for (const bin of bins) {
      const fits = bin.pairs.length === 0 ||
        (bin.pairs.length + pairs.length <= limits.pairs && bin.tokens + tokens <= limits.tokens);
      if (fits && (!best || bin.tokens < best.tokens)) best = bin;
    }
    if (!best) return undefined;
    best.pairs.push(...pairs);
    best.tokens += tokens;
  }
  return bins.filter((bin) => bin.pairs.length > 0);
}
