/**
 * Micro-batches as one stream of tokens: pair after pair, each prompt | chosen | rejected, without
 * padding between. Both answers go on from the one prompt, whose last row predicts the first token
 * of either; pairs with the same prompt share it too. No row is computed that predicts nothing: an
 * answer's last token is scored, but not fed.
 *
 * The stream is rounded up to a size class, so that the device's buffers are of few sizes; its dead
 * tokens see themselves alone and no target reads them.
 */

import { SegmentLayout } from "../ops/attention/segments.ts";
import { sizeClass } from "../tensor/size_class.ts";
import {
  countTargets,
  type PairBatch,
  type PairCounts,
  type PairTokens,
  trainedTokens,
} from "./batch.ts";
import type { NllScope } from "./objective.ts";
import { TargetTable } from "./target_table.ts";

/** Rows that a pair's answers take. */
export function answerRows({ chosenIds, rejectedIds }: PairTokens): number {
  return chosenIds.length - 1 + rejectedIds.length - 1;
}

/** Puts together the pairs that have the same prompt: their numbers, by first appearance. */
export function groupByPrompt(pairs: readonly PairTokens[]): number[][] {
  const groups = new Map<string, number[]>();
  pairs.forEach(({ promptIds }, i) => {
    // Without a prompt there is nothing to share.
    const key = promptIds.length === 0 ? `#${i}` : Array.prototype.join.call(promptIds);
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  });
  return [...groups.values()];
}

/**
 * Builds the micro-batch of some pairs.
 *
 * @param maxTokens The stream is not rounded beyond them; one that is longer anyway is rounded.
 * @throws {OddsmithError} EMPTY_ANSWER, as `countTargets`.
 */
export function packedBatch(
  pairs: readonly PairTokens[],
  nllScope: NllScope,
  maxTokens: number = Infinity,
): PairBatch {
  const counts = pairs.map((pair) => countTargets(pair, nllScope));
  const groups = groupByPrompt(pairs);
  const stream = new Stream(pairs, counts, nllScope);
  for (const group of groups) stream.add(group);
  const used = stream.length;
  const dispatched = used > maxTokens ? sizeClass(used) : Math.min(sizeClass(used), maxTokens);
  const inputIds = new Int32Array(dispatched);
  inputIds.set(stream.ids);
  const trained = pairs.reduce((sum, pair) => sum + trainedTokens(pair), 0);
  const unfed = 2 * pairs.length;
  return {
    tokens: { inputIds, layout: SegmentLayout.ofGroups(stream.lengths, dispatched) },
    pairs,
    counts,
    ...stream.table.finish(),
    sizes: { trained, shared: trained - unfed - used, used, dispatched },
  };
}

/** A stream while groups of pairs are added. */
class Stream {
  readonly ids: number[] = [];
  readonly lengths: { prompt: number; answers: number[] }[] = [];
  readonly table = new TargetTable();

  constructor(
    readonly pairs: readonly PairTokens[],
    readonly counts: readonly PairCounts[],
    readonly nllScope: NllScope,
  ) {}

  get length(): number {
    return this.ids.length;
  }

  /** Adds the pairs of these numbers, which have one prompt. */
  add(group: readonly number[]): void {
    const B = this.pairs.length;
    const { promptIds } = this.pairs[group[0]!]!;
    const promptAt = this.length;
    this.#push(promptIds, promptIds.length);
    for (let t = 1; this.nllScope === "all" && t < promptIds.length; t++) {
      this.table.add(promptAt + t - 1, promptIds[t]!);
      for (const i of group) this.table.count(2 * B + i, 1);
    }
    const answers: number[] = [];
    const answer = (ids: ArrayLike<number>, count: (table: TargetTable) => void) => {
      const at = this.length;
      const promptEnd = promptAt + promptIds.length;
      for (let t = promptIds.length === 0 ? 1 : 0; t < ids.length; t++) {
        this.table.add(t === 0 ? promptEnd - 1 : at + t - 1, ids[t]!);
        count(this.table);
      }
      this.#push(ids, ids.length - 1);
      answers.push(ids.length - 1);
    };
    for (const i of group) {
      const { chosenIds, rejectedIds } = this.pairs[i]!;
      const { chosen, rejected } = this.counts[i]!;
      answer(chosenIds, (table) => {
        table.count(i, 1 / chosen);
        table.count(2 * B + i, 1);
      });
      answer(rejectedIds, (table) => table.count(B + i, 1 / rejected));
    }
    this.lengths.push({ prompt: promptIds.length, answers });
  }

  #push(ids: ArrayLike<number>, count: number): void {
    for (let t = 0; t < count; t++) this.ids.push(ids[t]!);
  }
}
