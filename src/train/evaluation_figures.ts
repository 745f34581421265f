/**
 * The figures of an evaluation: TRL's metric names with `eval_` before them, perplexities, and
 * intervals of confidence of what is a share of pairs. Host numbers only.
 */

import { bootstrapMean, type BootstrapOptions, type Interval } from "./bootstrap.ts";
import { type PairScore, summarizeScores } from "./metrics.ts";
import type { OrpoObjective } from "./objective.ts";

/** A model's figures on held-out pairs. */
export interface EvaluationFigures {
  /** `eval_` metrics, eval_perplexity/chosen and eval_perplexity/rejected among them. */
  metrics: Record<string, number>;
  /** Of the two accuracies. */
  intervals: Record<string, Interval>;
}

/** What is a share of pairs: 1 where a pair counts, 0 where it does not. */
const SHARES: Readonly<Record<string, (score: PairScore) => number>> = {
  "eval_rewards/accuracies": (score) => score.logpsChosen > score.logpsRejected ? 1 : 0,
  "eval_log_odds_accuracies": (score) => score.logOdds > 0 ? 1 : 0,
};

/**
 * Gives the figures of a model's scores.
 *
 * @param scores At least one.
 */
export function evaluationFigures(
  scores: readonly PairScore[],
  objective: OrpoObjective,
  bootstrap: BootstrapOptions,
): EvaluationFigures {
  const metrics: Record<string, number> = {};
  for (const [name, value] of Object.entries(summarizeScores(scores, objective))) {
    metrics[`eval_${name}`] = value;
  }
  metrics["eval_perplexity/chosen"] = perplexity(
    scores.map((score) => [score.logpsChosen, score.chosenTokens]),
  );
  metrics["eval_perplexity/rejected"] = perplexity(
    scores.map((score) => [score.logpsRejected, score.rejectedTokens]),
  );
  const intervals = Object.fromEntries(
    Object.entries(SHARES).map(([name, share]) => [
      name,
      bootstrapMean(scores.map(share), bootstrap),
    ]),
  );
  return { metrics, intervals };
}

/**
 * Gives the mean change of each share from one model to another on the same pairs, with the
 * interval of that change: narrower than two intervals side by side tell, for the pairs are the
 * same.
 */
export function evaluationChange(
  before: readonly PairScore[],
  after: readonly PairScore[],
  bootstrap: BootstrapOptions,
): Record<string, Interval & { mean: number }> {
  return Object.fromEntries(
    Object.entries(SHARES).map(([name, share]) => {
      const changes = after.map((score, i) => share(score) - share(before[i]!));
      const mean = changes.reduce((sum, change) => sum + change, 0) / changes.length;
      return [name, { mean, ...bootstrapMean(changes, bootstrap) }];
    }),
  );
}

/** exp of the mean negative log-likelihood over all tokens, from means and token counts. */
function perplexity(answers: readonly (readonly [mean: number, tokens: number])[]): number {
  const tokens = answers.reduce((sum, [, count]) => sum + count, 0);
  return Math.exp(-answers.reduce((sum, [mean, count]) => sum + mean * count, 0) / tokens);
}
