/**
 * Generates text, token by token, for one prompt or several at once. Keys and values stay on the
 * device; a step reads back one row of logits a prompt. The same seed gives the same tokens on the
 * same device, whatever else is in the batch apart from rounding.
 */

import { Rng } from "../base/rng.ts";
import { matMul } from "../tensor/matmul.ts";
import { takeFloats } from "../tensor/readback.ts";
import { sizeClass } from "../tensor/size_class.ts";
import type { tf } from "../tensor/tf.ts";
import { emptyPrompt, promptTooLong } from "./errors.ts";
import type { CausalLM } from "./model.ts";
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
  /** Told every new token as it is chosen, with the number of its prompt. */
  readonly onToken?: (id: number, prompt: number) => void;
}

/**
 * Continues a prompt.
 *
 * @returns The new ids, without the prompt's.
 * @throws {OddsmithError} ModelError EMPTY_PROMPT, PROMPT_TOO_LONG, TOKEN_RANGE; DeviceError.
 */
export async function generate(
  model: CausalLM,
  promptIds: readonly number[],
  options: GenerateOptions,
): Promise<number[]> {
  return (await generateBatch(model, [promptIds], options))[0]!;
}

/** Continues several prompts side by side; as `generate`, one list of new ids a prompt. */
export async function generateBatch(
  model: CausalLM,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<number[][]> {
  if (prompts.length === 0) return [];
  const limit = model.config.maxPositionEmbeddings;
  for (const { length } of prompts) {
    if (length === 0) throw emptyPrompt();
    if (length >= limit) throw promptTooLong(length, limit);
  }
  const texts = prompts.map((prompt, i) => new Text(prompt, i, limit, options));
  const longest = Math.max(...texts.map((text) => text.length));
  const { decoder, hidden } = model.startDecoding(padPrompts(prompts), {
    lengths: Int32Array.from(texts, (text) => text.length),
    slots: sizeClass(Math.min(limit, longest + options.maxNewTokens)),
  });
  let last = hidden;
  try {
    while (true) {
      // On wasm and cpu nothing below waits, and a signal's listener would never have its turn.
      if (options.signal) await new Promise((resolve) => setTimeout(resolve));
      options.signal?.throwIfAborted();
      const logits = await readLogits(model, last);
      const width = logits.length / texts.length;
      texts.forEach((text, i) => text.choose(logits.subarray(i * width, (i + 1) * width)));
      if (texts.every((text) => text.ended)) return texts.map((text) => text.newIds);
      last.dispose();
      last = decoder.step(
        Int32Array.from(texts, (text) => text.lastId),
        Int32Array.from(texts, (text) => text.length - 1),
      );
    }
  } finally {
    last.dispose();
    decoder.dispose();
  }
}

/** One prompt and what was generated after it; stands still once it has ended. */
class Text {
  readonly newIds: number[] = [];
  readonly #prompt: readonly number[];
  readonly #index: number;
  readonly #limit: number;
  readonly #options: GenerateOptions;
  readonly #rng: Rng;

  constructor(
    prompt: readonly number[],
    index: number,
    limit: number,
    options: GenerateOptions,
  ) {
    this.#prompt = prompt;
    this.#index = index;
    this.#limit = Math.min(limit, prompt.length + options.maxNewTokens);
    this.#options = options;
    this.#rng = Rng.fromSeed(`${options.seed ?? 0}/${index}`);
  }

  get length(): number {
    return this.#prompt.length + this.newIds.length;
  }

  get lastId(): number {
    return this.newIds.at(-1) ?? this.#prompt.at(-1)!;
  }

  get ended(): boolean {
    if (this.length >= this.#limit) return true;
    return this.newIds.length > 0 && this.#options.eosTokenIds.includes(this.lastId);
  }

  choose(logits: Float32Array): void {
    if (this.ended) return;
    const id = sampleToken(logits, this.#options, this.#rng);
    this.newIds.push(id);
    this.#options.onToken?.(id, this.#index);
  }
}

function padPrompts(prompts: readonly (readonly number[])[]) {
  const length = sizeClass(Math.max(...prompts.map((prompt) => prompt.length)));
  const inputIds = new Int32Array(prompts.length * length);
  prompts.forEach((prompt, i) => inputIds.set(prompt, i * length));
  return { inputIds, batchSize: prompts.length, length };
}

async function readLogits(model: CausalLM, hidden: tf.Tensor2D): Promise<Float32Array> {
  return await takeFloats(matMul(hidden, model.headWeight(), { transposeB: true }));
}
