/**
 * What is known of a scored pair, and the figures made of many: TRL's metric names and a few more.
 * Float64 on the host; no tensors here. Training steps and evaluations share it.
 */

import type { OrpoObjective } from "./objective.ts";
import { oddsRatio } from "./odds_ratio.ts";
import type { PairCounts } from "./batch.ts";

/** One pair under a model. */
export interface PairScore {
  /** The pair's id. */
  id: string;
  /** a: mean log-probability of the chosen answer's tokens. */
  logpsChosen: number;
  /** b: mean log-probability of the rejected answer's tokens. */
  logpsRejected: number;
  /** Tokens of the chosen answer that were scored. */
  chosenTokens: number;
  /** Tokens of the rejected answer that were scored. */
  rejectedTokens: number;
  /** Negative log-likelihood summed over the tokens the NLL covers. */
  nllSum: number;
  /** How many tokens those are. */
  nllTokens: number;
  /** z: the log odds ratio of chosen over rejected. */
  logOdds: number;
  /** log sigmoid z, <= 0: minus the pair's odds-ratio loss. */
  logOddsRatio: number;
  /** 1 / (1 + odds_w / odds_l): how much of the pair is still to be learnt. */
  delta: number;
}

/** Makes a pair's score from the sums the device gave. */
export function pairScore(
  id: string,
  sums: { chosen: number; rejected: number; nll: number },
  counts: PairCounts,
): PairScore {
  const odds = oddsRatio(sums.chosen, sums.rejected);
  return {
    id,
    logpsChosen: sums.chosen,
    logpsRejected: sums.rejected,
    chosenTokens: counts.chosen,
    rejectedTokens: counts.rejected,
    nllSum: -sums.nll,
    nllTokens: counts.nll,
    logOdds: odds.logOdds,
    logOddsRatio: -odds.loss,
    delta: odds.delta,
  };
}

/** Splits the [3B] sums of a batch into scores of its B pairs. */
export function batchScores(
  ids: readonly string[],
  counts: readonly PairCounts[],
  sums: ArrayLike<number>,
): PairScore[] {
  const B = ids.length;
  return ids.map((id, i) =>
    pairScore(id, { chosen: sums[i]!, rejected: sums[B + i]!, nll: sums[2 * B + i]! }, counts[i]!)
  );
}

/** Names of the figures of scored pairs; evaluations put `eval_` before them. */
export const PAIR_METRICS = [
  "loss",
  "nll_loss",
  "log_odds_ratio",
  "log_odds_chosen",
  "log_odds_accuracies",
  "rewards/chosen",
  "rewards/rejected",
  "rewards/accuracies",
  "rewards/margins",
  "logps/chosen",
  "logps/rejected",
  "delta",
] as const;

/** The name of a figure of scored pairs. */
export type PairMetricName = typeof PAIR_METRICS[number];

/** Figures of scored pairs, by name. */
export type PairMetrics = Record<PairMetricName, number>;

/** Adds up scores one by one, in flat memory. */
export class ScoreSummary {
  #pairs = 0;
  #nllSum = 0;
  #nllTokens = 0;
  #nllMeans = 0;
  #chosen = 0;
  #rejected = 0;
  #preferred = 0;
  #likelier = 0;
  #logOdds = 0;
  #logOddsRatio = 0;
  #delta = 0;

  /** Starts with no pairs; `objective` says how rewards and the loss are made. */
  constructor(readonly objective: OrpoObjective) {}

  /** Adds one pair. */
  add(score: PairScore): void {
    this.#pairs++;
    this.#nllSum += score.nllSum;
    this.#nllTokens += score.nllTokens;
    this.#nllMeans += score.nllSum / score.nllTokens;
    this.#chosen += score.logpsChosen;
    this.#rejected += score.logpsRejected;
    this.#preferred += score.logpsChosen > score.logpsRejected ? 1 : 0;
    this.#likelier += score.logOdds > 0 ? 1 : 0;
    this.#logOdds += score.logOdds;
    this.#logOddsRatio += score.logOddsRatio;
    this.#delta += score.delta;
  }

  /** Pairs added so far. */
  get pairs(): number {
    return this.#pairs;
  }

  /** The figures of the pairs added so far; NaN where there are none. */
  metrics(): PairMetrics {
    const { beta, nllReduction } = this.objective;
    const mean = (sum: number) => sum / this.#pairs;
    const nll = nllReduction === "token" ? this.#nllSum / this.#nllTokens : mean(this.#nllMeans);
    const chosen = mean(this.#chosen);
    const rejected = mean(this.#rejected);
    return {
      "loss": nll - beta * mean(this.#logOddsRatio),
      "nll_loss": nll,
      "log_odds_ratio": mean(this.#logOddsRatio),
      "log_odds_chosen": mean(this.#logOdds),
      "log_odds_accuracies": mean(this.#likelier),
      "rewards/chosen": beta * chosen,
      "rewards/rejected": beta * rejected,
      "rewards/accuracies": mean(this.#preferred),
      "rewards/margins": beta * (chosen - rejected),
      "logps/chosen": chosen,
      "logps/rejected": rejected,
      "delta": mean(this.#delta),
    };
  }
}

/**
 * Gives the figures of scored pairs under design names (TRL's and `log_odds_accuracies`, `delta`).
 *
 * @param scores At least one.
 */
export function summarizeScores(
  scores: Iterable<PairScore>,
  objective: OrpoObjective,
): PairMetrics {
  const summary = new ScoreSummary(objective);
  for (const score of scores) summary.add(score);
  return summary.metrics();
}
