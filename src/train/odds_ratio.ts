/**
 * The odds-ratio term of ORPO for one pair, in float64 on the host: the reference of the device's
 * version in orpo_loss.ts, and what every reported figure is computed with. No tensors here.
 *
 * Invariant: finite for every a, b <= 0, exactly 0 and -Infinity-like values of -1e4 included.
 */

/**
 * The smallest 1 - P(rejected) the loss will divide by. A rejected answer that is certain has
 * infinite odds; below this floor its odds count as 1 / ODDS_FLOOR. No other value is changed.
 */
export const ODDS_FLOOR: number = 2 ** -30;

/** The odds-ratio term of one pair and its derivatives. */
export interface OddsRatio {
  /** z, the log odds ratio; where chosen is certain, with 1 - P floored too, so that it is finite. */
  logOdds: number;
  /** L_OR = softplus(-z) = -log sigmoid(z). */
  loss: number;
  /** 1 / (1 + odds_w / odds_l) = sigmoid(-z): how much of the pair is still to be learnt, 0 to 1. */
  delta: number;
  /** dL_OR/da, in (-Infinity, 0]. */
  gradChosen: number;
  /** dL_OR/db, in [0, 1 / ODDS_FLOOR]. */
  gradRejected: number;
}

/**
 * Gives the odds-ratio loss of a pair from its two mean log-probabilities.
 *
 * With Pw = e^a, Pl = e^b, qw = 1 - Pw, ql = 1 - Pl and D = Pl*qw + Pw*ql (Pw and Pl divided by
 * the larger of the two, which cancels everywhere and keeps very unlikely answers from
 * underflowing):
 *
 *     L_OR = log1p((Pl*qw) / (Pw*ql)),  dL/da = -Pl/D,  dL/db = (Pl*qw) / (ql*D)
 *
 * Source: Hong, Lee, Thorne 2024, arXiv 2403.07691, eq. 4 to 7, rearranged so that nothing cancels.
 *
 * @param chosen a: mean log-probability of the chosen answer's tokens; above 0 counts as 0.
 * @param rejected b: the same of the rejected answer.
 *
 * @example
 * ```ts
 * import { oddsRatio } from "./odds_ratio.ts";
 * const { loss } = oddsRatio(Math.log(.4), Math.log(.2));
 * console.assert(Math.abs(loss - 0.318454) < 1e-6);
 * ```
 */
export function oddsRatio(chosen: number, rejected: number): OddsRatio {
  const a = Math.min(chosen, 0);
  const b = Math.min(rejected, 0);
  const qw = -Math.expm1(a);
  const ql = Math.max(-Math.expm1(b), ODDS_FLOOR);
  const shift = Math.max(a, b);
  const pw = Math.exp(a - shift);
  const pl = Math.exp(b - shift);
  const u = pl * qw;
  const v = pw * ql;
  const tail = Math.log1p(Math.min(u, v) / Math.max(u, v));
  return {
    logOdds: (a - b) - Math.log(Math.max(qw, ODDS_FLOOR) / ql),
    loss: u > v ? tail + (b - a) + Math.log(qw / ql) : tail,
    delta: u / (u + v),
    gradChosen: -pl / (u + v),
    gradRejected: u / (ql * (u + v)),
  };
}
