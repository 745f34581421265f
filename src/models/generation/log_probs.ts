/** Log-probabilities of tokens from a row of logits, before any sampling setting. Plain arrays. */

/** A token and its log-probability, natural. */
export interface TokenLogProb {
  readonly id: number;
  readonly logProb: number;
}

/** The log-probability of a token, and the likeliest tokens in order. */
export function tokenLogProbs(
  logits: Float32Array,
  id: number,
  count: number,
): { chosen: TokenLogProb; likeliest: TokenLogProb[] } {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0);
  const logSum = most + Math.log(sum);
  const of = (id: number): TokenLogProb => ({ id, logProb: logits[id]! - logSum });
  const best: number[] = [];
  for (let id = 0; count > 0 && id < logits.length; id++) {
    if (best.length === count && logits[id]! <= logits[best.at(-1)!]!) continue;
    const at = best.findIndex((other) => logits[other]! < logits[id]!);
    best.splice(at < 0 ? best.length : at, 0, id);
    best.length = Math.min(best.length, count);
  }
  return { chosen: of(id), likeliest: best.map(of) };
}
