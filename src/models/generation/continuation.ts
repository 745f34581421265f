/**
 * One text while it is generated: its prompt, the ids chosen so far, and whether and why it has
 * ended. Chooses from logits that it is given; knows nothing of how they are computed.
 */

import { Rng } from "../../base/rng.ts";
import { sampleToken, type SamplingOptions } from "./sample.ts";

/** How to generate. */
export interface GenerateOptions extends SamplingOptions {
  /** Tokens at most; fewer where the model's positions end first. */
  readonly maxNewTokens: number;
  /** Any of these ends a text; it is the last id returned. */
  readonly eosTokenIds: readonly number[];
  /** Of the randomness at temperatures above 0. Default 0. */
  readonly seed?: string | number;
  /** Checked before every token; its reason is thrown. */
  readonly signal?: AbortSignal;
  /**
   * Told every new token as it is chosen, with the number of its prompt and the row of logits it
   * was chosen from, which is valid during the call. Returning true ends the text.
   */
  readonly onToken?: (id: number, prompt: number, logits: Float32Array) => unknown;
}

/** Why a text ended: one of `eosTokenIds`, the number of tokens or positions, or `onToken`. */
export type EndReason = "eos" | "length" | "stop";

/** One prompt and what was generated after it; stands still once it has ended. */
export class Continuation {
  readonly newIds: number[] = [];
  readonly #prompt: readonly number[];
  readonly #index: number;
  readonly #limit: number;
  readonly #options: GenerateOptions;
  readonly #rng: Rng;
  readonly #past: Set<number>;
  #isStopped = false;

  /**
   * Begins after a prompt.
   *
   * @param index The prompt's number, part of its seed.
   * @param positions How many the model has.
   */
  constructor(
    prompt: readonly number[],
    options: GenerateOptions,
    { index, positions }: { index: number; positions: number },
  ) {
    this.#prompt = prompt;
    this.#index = index;
    this.#limit = Math.min(positions, prompt.length + options.maxNewTokens);
    this.#options = options;
    this.#rng = Rng.fromSeed(`${options.seed ?? 0}/${index}`);
    this.#past = new Set(prompt);
  }

  /** Tokens of prompt and text. */
  get length(): number {
    return this.#prompt.length + this.newIds.length;
  }

  get lastId(): number {
    return this.newIds.at(-1) ?? this.#prompt.at(-1)!;
  }

  /** Why it ended; undefined while it goes on. */
  get end(): EndReason | undefined {
    if (this.newIds.length > 0 && this.#options.eosTokenIds.includes(this.lastId)) return "eos";
    if (this.#isStopped) return "stop";
    return this.length >= this.#limit ? "length" : undefined;
  }

  /** Adds a token, unless the text has ended. */
  choose(logits: Float32Array): void {
    if (this.end !== undefined) return;
    const id = sampleToken(logits, this.#options, this.#rng, this.#past);
    this.newIds.push(id);
    this.#past.add(id);
    this.#isStopped = this.#options.onToken?.(id, this.#index, logits) === true;
  }
}
