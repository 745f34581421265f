/**
 * Micro-batches: preference pairs as one padded block of token ids, and the table of targets the
 * head computes. Host arrays only. This is the one place that knows how pairs lie in a batch.
 *
 * Layout: sequences 0..B-1 are prompt + chosen, B..2B-1 prompt + rejected, right-padded to T.
 * Lengths are rounded up to size classes, so that the device's buffers are of few sizes.
 */

import type { TokenBatch } from "../models/model.ts";
import { sizeClass } from "../tensor/size_class.ts";
import { emptyAnswer } from "./errors.ts";
import type { NllScope } from "./objective.ts";

/** A pair's token ids, however they are stored. */
export interface PairTokens {
  /** The pair's id, for error messages and tables. */
  readonly id: string;
  /** Ids of the prompt; BOS, where the model has one, is the first. */
  readonly promptIds: ArrayLike<number>;
  /** Ids of the chosen answer, EOS last. */
  readonly chosenIds: ArrayLike<number>;
  /** Ids of the rejected answer, EOS last. */
  readonly rejectedIds: ArrayLike<number>;
}

/** How many tokens of a pair are scored. */
export interface PairCounts {
  /** Tokens of the chosen answer that a token precedes: what a is the mean of. */
  chosen: number;
  /** The same of the rejected answer. */
  rejected: number;
  /** Tokens the NLL covers. */
  nll: number;
}

/** A micro-batch of B pairs: 2B sequences of T tokens, M targets. */
export interface PairBatch extends TokenBatch {
  /** B. */
  readonly pairCount: number;
  /** [M] hidden row (sequence * T + position) whose prediction is scored. */
  readonly rows: Int32Array;
  /** [M] the token it should predict. */
  readonly targets: Int32Array;
  /**
   * [3B, M] row-major: times the targets' log-probabilities it gives, pair by pair, a (mean over
   * chosen), then b (mean over rejected), then the sum over the NLL's tokens. Padding targets have
   * weight 0 everywhere.
   */
  readonly reduction: Float32Array;
  /** [B]. */
  readonly counts: readonly PairCounts[];
  /** Tokens of both sequences of all pairs, padding left out. */
  readonly tokenCount: number;
}

/**
 * Counts a pair's scored tokens.
 *
 * @throws {OddsmithError} EMPTY_ANSWER where an answer would have none.
 */
export function countTargets(pair: PairTokens, nllScope: NllScope): PairCounts {
  const prompt = pair.promptIds.length;
  // Nothing predicts the first token of a sequence: without a prompt it is not scored.
  const unpredicted = prompt === 0 ? 1 : 0;
  const chosen = pair.chosenIds.length - unpredicted;
  const rejected = pair.rejectedIds.length - unpredicted;
  if (chosen < 1) throw emptyAnswer(pair.id, "chosen");
  if (rejected < 1) throw emptyAnswer(pair.id, "rejected");
  const nll = nllScope === "all" ? prompt + pair.chosenIds.length - 1 : chosen;
  return { chosen, rejected, nll };
}

/**
 * Builds the micro-batch of some pairs.
 *
 * @param maxLength The model's positions: T is not rounded beyond them.
 * @throws {OddsmithError} EMPTY_ANSWER, as `countTargets`.
 */
export function makeBatch(
  pairs: readonly PairTokens[],
  nllScope: NllScope,
  maxLength: number = Infinity,
): PairBatch {
  const B = pairs.length;
  const counts = pairs.map((pair) => countTargets(pair, nllScope));
  const longest = Math.max(
    ...pairs.map((p) => p.promptIds.length + Math.max(p.chosenIds.length, p.rejectedIds.length)),
  );
  const length = Math.max(longest, Math.min(sizeClass(longest), maxLength));
  const M = sizeClass(
    counts.reduce((sum, count) => sum + Math.max(count.nll, count.chosen) + count.rejected, 0),
  );
  const table = new TargetTable(B, M, length);
  let tokenCount = 0;
  for (const [i, pair] of pairs.entries()) {
    const count = counts[i]!;
    const nllStart = nllScope === "all" ? 1 : Math.max(pair.promptIds.length, 1);
    tokenCount += table.addSequence(i, pair.promptIds, pair.chosenIds, nllStart, [
      { output: i, weight: 1 / count.chosen, from: pair.promptIds.length },
      { output: 2 * B + i, weight: 1, from: nllStart },
    ]);
    tokenCount += table.addSequence(B + i, pair.promptIds, pair.rejectedIds, Infinity, [
      { output: B + i, weight: 1 / count.rejected, from: pair.promptIds.length },
    ]);
  }
  const { inputIds, rows, targets, reduction } = table;
  return {
    inputIds,
    batchSize: 2 * B,
    length,
    pairCount: B,
    rows,
    targets,
    reduction,
    counts,
    tokenCount,
  };
}

/** A row of the reduction matrix a sequence's targets count in. */
interface Share {
  output: number;
  weight: number;
  /** The first position of the sequence that counts. */
  from: number;
}

/** The arrays of a batch while sequences are added. */
class TargetTable {
  readonly inputIds: Int32Array;
  readonly rows: Int32Array;
  readonly targets: Int32Array;
  readonly reduction: Float32Array;
  #used = 0;

  constructor(pairCount: number, readonly size: number, readonly length: number) {
    this.inputIds = new Int32Array(2 * pairCount * length);
    this.rows = new Int32Array(size);
    this.targets = new Int32Array(size);
    this.reduction = new Float32Array(3 * pairCount * size);
  }

  /** Writes a sequence and the targets of its positions that any share counts; gives its length. */
  addSequence(
    index: number,
    promptIds: ArrayLike<number>,
    answerIds: ArrayLike<number>,
    start: number,
    shares: readonly Share[],
  ): number {
    const base = index * this.length;
    this.inputIds.set(promptIds, base);
    this.inputIds.set(answerIds, base + promptIds.length);
    const end = promptIds.length + answerIds.length;
    const first = Math.max(1, Math.min(start, promptIds.length));
    for (let position = first; position < end; position++) {
      const at = this.#used++;
      this.rows[at] = base + position - 1;
      this.targets[at] = this.inputIds[base + position]!;
      for (const { output, weight, from } of shares) {
        if (position >= from) this.reduction[output * this.size + at] = weight;
      }
    }
    return end;
  }
}
