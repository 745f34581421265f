/**
 * Gives a generation's text as its ids come. A character whose bytes are spread over several tokens
 * is held back until it is whole, so no half character is ever shown.
 */

import type { Tokenizer } from "./tokenizer.ts";

const REPLACEMENT = "\ufffd";

/**
 * Decodes ids one by one.
 *
 * @example
 * ```ts ignore
 * const streamer = new TextStreamer(tokenizer);
 * for (const id of ids) write(streamer.push(id));
 * write(streamer.end());
 * ```
 */
export class TextStreamer {
  readonly #tokenizer: Tokenizer;
  readonly #skipSpecialTokens: boolean;
  readonly #ids: number[];
  /** Where the decoded window starts, and up to where its text is out. */
  #start = 0;
  #shown: number;

  /**
   * Begins a generation.
   *
   * @param options.promptIds What came before (default nothing): some tokenizers write a space only
   * between tokens, and need the last ones. `skipSpecialTokens` is true by default.
   */
  constructor(
    tokenizer: Tokenizer,
    options: { promptIds?: readonly number[]; skipSpecialTokens?: boolean } = {},
  ) {
    this.#tokenizer = tokenizer;
    this.#skipSpecialTokens = options.skipSpecialTokens ?? true;
    this.#ids = options.promptIds?.slice(-CONTEXT) ?? [];
    this.#shown = this.#ids.length;
  }

  /** Takes an id and gives the text that is now certain; often "" in the middle of a character. */
  push(id: number): string {
    this.#ids.push(id);
    const text = this.#pending();
    if (text === "" || text.endsWith(REPLACEMENT)) return "";
    this.#advance();
    return text;
  }

  /** Gives what is still held back, once there are no more ids. */
  end(): string {
    const text = this.#pending();
    this.#advance();
    return text;
  }

  #pending(): string {
    const known = this.#decode(this.#ids.slice(this.#start, this.#shown));
    return this.#decode(this.#ids.slice(this.#start)).slice(known.length);
  }

  #advance(): void {
    this.#start = this.#shown;
    this.#shown = this.#ids.length;
  }

  #decode(ids: readonly number[]): string {
    return this.#tokenizer.decode(ids, { skipSpecialTokens: this.#skipSpecialTokens });
  }
}

/** How many ids of the prompt are kept: enough for the bytes of one character. */
const CONTEXT = 8;
