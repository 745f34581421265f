/**
 * What a micro-batch of preference pairs is: token ids for the model, the table of targets the head
 * computes, and how the targets' log-probabilities make up each pair's figures. Host arrays only.
 * How pairs lie in the ids is decided in packed_batch.ts alone.
 */

import type { PackedBatch, TokenBatch } from "../models/model.ts";
import type { Shares } from "../ops/weighted_sums.ts";
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

/** How many tokens a micro-batch is. */
export interface TokenCounts {
  /** Tokens of prompt + chosen and of prompt + rejected of all pairs, however they are computed. */
  readonly trained: number;
  /** Prompt tokens among them that another sequence's computation served. */
  readonly shared: number;
  /** Rows that go through the model for them. */
  readonly used: number;
  /** Rows that go through the model in all, dead ones included. */
  readonly dispatched: number;
}

/** A micro-batch of B pairs with M targets. */
export interface PairBatch {
  /** What the model computes. */
  readonly tokens: TokenBatch | PackedBatch;
  /** [B], in the order of their figures. */
  readonly pairs: readonly PairTokens[];
  /** [B]. */
  readonly counts: readonly PairCounts[];
  /** [M] hidden row whose prediction is scored. */
  readonly rows: Int32Array;
  /** [M] the token it should predict. */
  readonly targets: Int32Array;
  /**
   * From the M targets' log-probabilities to 3B figures: pair by pair a (mean over chosen), then b
   * (mean over rejected), then the sum over the NLL's tokens. Padding targets weigh nothing.
   */
  readonly shares: Shares;
  /** How many tokens these are. */
  readonly sizes: TokenCounts;
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

/** Tokens of prompt + chosen and of prompt + rejected together. */
export function trainedTokens({ promptIds, chosenIds, rejectedIds }: PairTokens): number {
  return 2 * promptIds.length + chosenIds.length + rejectedIds.length;
}

/** Tokens of the longer of prompt + chosen and prompt + rejected. */
export function longestSequence(pair: PairTokens): number {
  return pair.promptIds.length + Math.max(pair.chosenIds.length, pair.rejectedIds.length);
}

/** Adds up what micro-batches say of their tokens. */
export function addSizes(batches: readonly Pick<PairBatch, "sizes">[]): TokenCounts {
  const sum = (name: keyof TokenCounts) =>
    batches.reduce((total, { sizes }) => total + sizes[name], 0);
  return {
    trained: sum("trained"),
    shared: sum("shared"),
    used: sum("used"),
    dispatched: sum("dispatched"),
  };
}
