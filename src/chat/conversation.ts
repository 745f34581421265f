/**
 * A conversation with one model: turns, what of them fits the model, and the keys and values that
 * stay on the device between turns. A turn that fails leaves the conversation as it was; one that
 * is interrupted keeps what was said.
 */

import type { Message } from "../data/pair.ts";
import { DecodingSession } from "../models/generation/session.ts";
import { type Answer, answer, type AnswerOptions } from "./answer.ts";
import { contextFull } from "./errors.ts";
import type { LoadedModel } from "./loaded_model.ts";

/** What came of a turn. */
export interface Reply {
  /** Undefined where the signal aborted. */
  readonly answer: Answer | undefined;
  /** Turns at the beginning that the model no longer sees. */
  readonly leftOut: number;
}

/** How much of a context an answer is to have for itself, at most. */
const ANSWER_SHARE = 1 / 4;
/** Tokens kept free on the device for turns to come. */
const ROOM_TOKENS = 1024;

/** Turns with a model. */
export class Conversation implements Disposable {
  /** What the model is told before all turns. */
  system: string | undefined;
  readonly #loaded: LoadedModel;
  readonly #session: DecodingSession;
  #turns: Message[] = [];
  #leftOut = 0;

  /** Begins without turns. The model is the caller's to free. */
  constructor(loaded: LoadedModel, system?: string) {
    this.#loaded = loaded;
    this.#session = new DecodingSession(loaded.model, { roomTokens: ROOM_TOKENS });
    this.system = system;
  }

  /** All that was said, the system's message first. */
  get messages(): Message[] {
    return [...this.#systemTurn(), ...this.#turns];
  }

  /** Forgets all turns; the system's message stays. */
  reset(): void {
    this.#turns = [];
    this.#leftOut = 0;
  }

  /**
   * Says something to the model and adds its answer.
   *
   * @throws {OddsmithError} ChatError CONTEXT_FULL; TextError where the template refuses; as `answer`.
   */
  async ask(text: string, options: AnswerOptions): Promise<Reply> {
    const before = [this.#turns, this.#leftOut] as const;
    let said = "";
    const settle = (content: string) => this.#turns.push({ role: "assistant", content });
    try {
      this.#turns = [...this.#turns, { role: "user", content: text }];
      const promptIds = this.#fittingPrompt(options.maxNewTokens);
      const given = await answer(this.#loaded, promptIds, {
        ...options,
        onText: (piece) => {
          said += piece;
          options.onText?.(piece);
        },
      }, this.#session);
      settle(given.text);
      return { answer: given, leftOut: this.#leftOut };
    } catch (error) {
      if (options.signal?.aborted && error === options.signal.reason && said !== "") settle(said);
      else [this.#turns, this.#leftOut] = before;
      if (error !== options.signal?.reason) throw error;
      return { answer: undefined, leftOut: this.#leftOut };
    }
  }

  /** Frees the keys and values. */
  [Symbol.dispose](): void {
    this.#session.dispose();
  }

  /** The ids of the conversation, without its oldest turns where they do not fit. */
  #fittingPrompt(maxNewTokens: number): number[] {
    const limit = this.#loaded.contextLength;
    const room = Math.min(maxNewTokens, Math.floor(limit * ANSWER_SHARE));
    while (true) {
      const ids = this.#loaded.encode([...this.#systemTurn(), ...this.#turns.slice(this.#leftOut)]);
      if (ids.length + room <= limit) return ids;
      const next = this.#turns.findIndex(({ role }, at) => at > this.#leftOut && role === "user");
      if (next < 0) {
        if (ids.length < limit) return ids;
        throw contextFull(ids.length, limit);
      }
      this.#leftOut = next;
    }
  }

  #systemTurn(): Message[] {
    return this.system === undefined ? [] : [{ role: "system", content: this.system }];
  }
}
