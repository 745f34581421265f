/**
 * Byte-pair encoding of one word on integer ids: what Hugging Face's Rust library does, with a
 * memory of words that is bounded. It knows nothing of splitting a text into words.
 *
 * Invariant: of all neighbours that may be merged, the pair of the least rank is, and of equal
 * ranks the leftmost; a word's ids depend on the word alone.
 */

import { BYTE_CHARACTERS } from "./byte_characters.ts";
import { MergeTable } from "./merge_table.ts";
import { WordMemory } from "./word_memory.ts";

/** What byte-pair encoding needs of tokenizer.json's model. */
export interface BpeModel {
  /** Id by token. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs of tokens, the first to be merged first. */
  readonly merges: readonly (readonly [string, string])[];
  /** Words are bytes (each written as a character of its own in the vocabulary), not characters. */
  readonly byteLevel: boolean;
  /** A word that is a token is not taken apart. */
  readonly ignoreMerges: boolean;
  /** Characters that are no token are written as tokens "<0x00>" to "<0xFF>". */
  readonly byteFallback: boolean;
  /** What other characters become; undefined: nothing. */
  readonly unknownId?: number;
  /** Unknown characters in a row become one token. */
  readonly fuseUnknown: boolean;
}

const NO_ID = -1;

/** Gives words their ids. */
export class Bpe {
  readonly #model: BpeModel;
  readonly #merges: MergeTable;
  /** Ids of bytes, as characters of byte-level words or as fallback; -1 where there is none. */
  readonly #byteIds: Int32Array;
  readonly #encoder = new TextEncoder();
  readonly #memory = new WordMemory();

  /** Prepares a model. @throws Error where a merge has a part or a result that is no token. */
  constructor(model: BpeModel) {
    this.#model = model;
    this.#merges = MergeTable.of(model.vocab, model.merges);
    const names = model.byteLevel ? BYTE_CHARACTERS : byteTokens();
    this.#byteIds = Int32Array.from(names, (name) => model.vocab.get(name) ?? NO_ID);
  }

  /** Adds the ids of the word text[start, end) to `ids`; a byte-level model's, too, is text. */
  encode(text: string, start: number, end: number, ids: number[]): void {
    if (this.#memory.recall(text, start, end, ids)) return;
    const found = this.#takeApart(text.slice(start, end));
    this.#memory.keep(text, start, end, found);
    for (const id of found) ids.push(id);
  }

  #takeApart(word: string): readonly number[] {
    if (this.#model.ignoreMerges) {
      const whole = this.#model.vocab.get(this.#model.byteLevel ? this.#spell(word) : word);
      if (whole !== undefined) return [whole];
    }
    return this.#merges.merge(
      this.#model.byteLevel ? this.#bytesOf(word) : this.#charactersOf(word),
    );
  }

  /** A byte-level word as the vocabulary spells it. */
  #spell(word: string): string {
    return Array.from(this.#encoder.encode(word), (byte) => BYTE_CHARACTERS[byte]).join("");
  }

  #bytesOf(word: string): number[] {
    const symbols: number[] = [];
    for (const byte of this.#encoder.encode(word)) this.#push(symbols, this.#byteIds[byte]!);
    return symbols;
  }

  #charactersOf(word: string): number[] {
    const { vocab, byteFallback } = this.#model;
    const symbols: number[] = [];
    for (const character of word) {
      const id = vocab.get(character);
      if (id !== undefined) {
        symbols.push(id);
        continue;
      }
      const bytes = byteFallback
        ? Array.from(this.#encoder.encode(character), (byte) => this.#byteIds[byte]!)
        : [NO_ID];
      if (bytes.includes(NO_ID)) this.#push(symbols, NO_ID);
      else symbols.push(...bytes);
    }
    return symbols;
  }

  #push(symbols: number[], id: number): void {
    const { unknownId, fuseUnknown } = this.#model;
    if (id !== NO_ID) symbols.push(id);
    else if (unknownId === undefined) return;
    else if (!fuseUnknown || symbols.at(-1) !== unknownId) symbols.push(unknownId);
  }
}

function byteTokens(): string[] {
  return Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
}
