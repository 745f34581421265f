/** What models vary in attention: how scores are made of q kᵀ, and how far back a query sees. */

/** All absent: softmax(q kᵀ / √D) over everything before. */
export interface AttentionSettings {
  /** The factor on q kᵀ. Default 1 / √D. */
  readonly scale?: number;
  /** Scores s become softcap tanh(s / softcap), before any is hidden. */
  readonly softcap?: number;
  /** Positions of its sequence that a query sees, its own included. Default: all. */
  readonly window?: number;
}

/** The factor on q kᵀ for heads of D values. */
export function scoreScale({ scale }: AttentionSettings, D: number): number {
  return scale ?? 1 / Math.sqrt(D);
}
