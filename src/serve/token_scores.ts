/**
 * Log-probabilities of an answer's tokens, given out with the text they belong to: a token is told
 * once its text is, and never where a stop string has cut it off.
 */

import { tokenLogProbs } from "../models/generation/log_probs.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** A token with its log-probability, natural, at temperature 1. */
export interface ScoredToken {
  readonly token: string;
  readonly logprob: number;
  /** Where its text begins in the answer. */
  readonly offset: number;
  /** The likeliest tokens in its place. */
  readonly top: readonly { readonly token: string; readonly logprob: number }[];
}

/** Collects scores. */
export class TokenScores {
  readonly #tokenizer: Tokenizer;
  readonly #count: number;
  #waiting: ScoredToken[] = [];

  /** @param count How many of the likeliest tokens are kept with each. */
  constructor(tokenizer: Tokenizer, count: number) {
    this.#tokenizer = tokenizer;
    this.#count = count;
  }

  /** Takes a token; what ends a text is no part of it. */
  add(id: number, offset: number, logits: Float32Array): void {
    if (this.#tokenizer.eosTokenIds.includes(id)) return;
    const { chosen, likeliest } = tokenLogProbs(logits, id, this.#count);
    const named = ({ id, logProb }: typeof chosen) => ({
      token: this.#tokenizer.decode([id]),
      logprob: logProb,
    });
    this.#waiting.push({ ...named(chosen), offset, top: likeliest.map(named) });
  }

  /** Gives the tokens that begin before a place of the text, and forgets them. */
  take(before: number): ScoredToken[] {
    const taken = this.#waiting.filter(({ offset }) => offset < before);
    this.#waiting = this.#waiting.filter(({ offset }) => offset >= before);
    return taken;
  }
}
