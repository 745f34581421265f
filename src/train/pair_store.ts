/**
 * A split's pairs in memory, packed: 4 bytes a token and a few more a pair, so that any pair can be
 * had in any order. Checks every pair against the model as it comes in.
 */

import type { ModelConfig } from "../models/config.ts";
import { countTargets, longestSequence, type PairTokens } from "./batch.ts";
import { idBeyondVocabulary, pairTooLong } from "./errors.ts";

/** What of a model limits the pairs it can take. */
export type PairLimits = Pick<ModelConfig, "vocabSize" | "maxPositionEmbeddings">;

/**
 * Checks that a model can score a pair.
 *
 * @throws {OddsmithError} VOCAB_TOO_SMALL, PAIR_TOO_LONG or EMPTY_ANSWER.
 */
export function checkPair(pair: PairTokens, limits: PairLimits): void {
  const length = longestSequence(pair);
  if (length > limits.maxPositionEmbeddings) {
    throw pairTooLong(pair.id, length, limits.maxPositionEmbeddings);
  }
  countTargets(pair, "all");
  for (const ids of [pair.promptIds, pair.chosenIds, pair.rejectedIds]) {
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (id < 0 || id >= limits.vocabSize) {
        throw idBeyondVocabulary(pair.id, id, limits.vocabSize);
      }
    }
  }
}

/** Pairs by index. */
export class PairStore {
  readonly #names: string[] = [];
  /** Three ends a pair (prompt, chosen, rejected), after a leading 0. */
  readonly #ends: number[] = [0];
  #tokens: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);

  /**
   * Reads pairs until they end.
   *
   * @throws {OddsmithError} As `checkPair`, at the first pair that does not fit.
   */
  static async load(
    pairs: Iterable<PairTokens> | AsyncIterable<PairTokens>,
    limits: PairLimits,
  ): Promise<PairStore> {
    const store = new PairStore();
    for await (const pair of pairs) {
      checkPair(pair, limits);
      store.#add(pair);
    }
    return store;
  }

  private constructor() {}

  /** How many pairs there are. */
  get size(): number {
    return this.#names.length;
  }

  /** The pair at an index in [0, size); its ids are views. */
  at(index: number): PairTokens {
    const [start, prompt, chosen, rejected] = this.#ends.slice(3 * index, 3 * index + 4);
    return {
      id: this.#names[index]!,
      promptIds: this.#tokens.subarray(start!, prompt!),
      chosenIds: this.#tokens.subarray(prompt!, chosen!),
      rejectedIds: this.#tokens.subarray(chosen!, rejected!),
    };
  }

  /** All pairs in their order. */
  *[Symbol.iterator](): Generator<PairTokens> {
    for (let i = 0; i < this.size; i++) yield this.at(i);
  }

  #add(pair: PairTokens): void {
    this.#names.push(pair.id);
    for (const ids of [pair.promptIds, pair.chosenIds, pair.rejectedIds]) {
      const start = this.#ends.at(-1)!;
      const end = start + ids.length;
      if (end > this.#tokens.length) {
        const grown = new Int32Array(Math.max(end, 2 * this.#tokens.length));
        grown.set(this.#tokens);
        this.#tokens = grown;
      }
      this.#tokens.set(ids, start);
      this.#ends.push(end);
    }
  }
}
