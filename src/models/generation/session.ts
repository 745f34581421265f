/**
 * Texts one after another by one model, whose keys and values stay on the device in between: a
 * prompt that begins as the last text did is computed only from where the two part.
 *
 * Invariant: slot i of the cache belongs to id i of `#ids`; slots behind are never seen before they
 * are written again.
 */

import { embedding } from "../../ops/embedding/embedding.ts";
import { sizeClass } from "../../tensor/size_class.ts";
import type { tf } from "../../tensor/tf.ts";
import { Continuation, type EndReason, type GenerateOptions } from "./continuation.ts";
import { checkPrompt, hearSignal, padPrompts, readLogits } from "./generate.ts";
import type { CausalLM, Decoder } from "../model.ts";

/** A text that was generated. */
export interface GeneratedText {
  /** The new ids, without the prompt's; the last may be an end-of-sequence id. */
  readonly ids: number[];
  readonly end: EndReason;
  /** Tokens of the prompt that were on the device already. */
  readonly cachedTokens: number;
}

/** How many tokens are added to a cache at a time; few sizes, so that few programs are made. */
const CHUNKS = [64, 16, 4, 1] as const;

/** Generates texts that may go on from each other. */
export class DecodingSession implements Disposable {
  readonly #model: CausalLM;
  readonly #roomTokens: number;
  #decoder: Decoder | undefined;
  #ids: number[] = [];
  #slots = 0;

  /**
   * Begins without any text; nothing is on the device before the first one.
   *
   * @param options.roomTokens Tokens to keep slots for beyond the first text. Default 0.
   */
  constructor(model: CausalLM, { roomTokens = 0 }: { roomTokens?: number } = {}) {
    this.#model = model;
    this.#roomTokens = roomTokens;
  }

  /**
   * Continues a prompt. A signal that aborts leaves the session as good as before.
   *
   * @throws {OddsmithError} ModelError EMPTY_PROMPT, PROMPT_TOO_LONG, TOKEN_RANGE, NON_FINITE;
   * DeviceError; the signal's reason.
   */
  async generate(promptIds: readonly number[], options: GenerateOptions): Promise<GeneratedText> {
    checkPrompt(promptIds, this.#model);
    const positions = this.#model.config.maxPositionEmbeddings;
    const text = new Continuation(promptIds, options, { index: 0, positions });
    const needed = Math.min(positions, promptIds.length + options.maxNewTokens);
    const shared = this.#sharedTokens(promptIds);
    // To compute a prompt at once is quicker than to add most of it bit by bit.
    const goesOn = this.#slots >= needed && 2 * shared >= promptIds.length;
    const cachedTokens = goesOn ? shared : 0;
    let last: tf.Tensor2D | undefined;
    try {
      await hearSignal(options.signal);
      last = goesOn
        ? await this.#extend(promptIds, shared, options.signal)
        : this.#prefill(promptIds, needed);
      while (true) {
        const logits = await readLogits(this.#model, last);
        last.dispose();
        last = undefined;
        text.choose(logits);
        const { end } = text;
        if (end !== undefined) return { ids: text.newIds, end, cachedTokens };
        await hearSignal(options.signal);
        last = this.#step([text.lastId]);
      }
    } catch (error) {
      if (!options.signal?.aborted) this.dispose();
      throw error;
    } finally {
      last?.dispose();
    }
  }

  /** Forgets what was generated and frees its memory; the session can be used on. */
  dispose(): void {
    this.#decoder?.dispose();
    this.#decoder = undefined;
    this.#ids = [];
    this.#slots = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Computes a whole prompt at once; the hidden state after it, [1, C]. */
  #prefill(promptIds: readonly number[], needed: number): tf.Tensor2D {
    this.dispose();
    const { maxPositionEmbeddings } = this.#model.config;
    const slots = sizeClass(Math.min(maxPositionEmbeddings, needed + this.#roomTokens));
    const { decoder, hidden } = this.#model.startDecoding(padPrompts([promptIds]), {
      lengths: Int32Array.of(promptIds.length),
      slots,
    });
    this.#decoder = decoder;
    this.#ids = [...promptIds];
    this.#slots = slots;
    return hidden;
  }

  /** How many ids at its start a prompt shares with the cache; its last one has to be computed. */
  #sharedTokens(promptIds: readonly number[]): number {
    const most = Math.min(this.#ids.length, promptIds.length - 1);
    const differs = this.#ids.slice(0, most).findIndex((id, at) => id !== promptIds[at]);
    return differs < 0 ? most : differs;
  }

  /** Adds a prompt's ids from `from` on, at least one; the hidden state after the last, [1, C]. */
  async #extend(
    promptIds: readonly number[],
    from: number,
    signal?: AbortSignal,
  ): Promise<tf.Tensor2D> {
    this.#ids.length = from;
    while (true) {
      const rest = promptIds.slice(this.#ids.length);
      const last = this.#step(rest.slice(0, CHUNKS.find((size) => size <= rest.length)!));
      if (this.#ids.length === promptIds.length) return last;
      last.dispose();
      await hearSignal(signal);
    }
  }

  #step(ids: readonly number[]): tf.Tensor2D {
    const from = this.#ids.length;
    const hidden = this.#decoder!.step(
      Int32Array.from(ids),
      Int32Array.from(ids, (_, at) => from + at),
    );
    this.#ids.push(...ids);
    if (ids.length === 1) return hidden;
    const last = embedding(hidden, Int32Array.of(ids.length - 1));
    hidden.dispose();
    return last;
  }
}
