/**
 * Generates text, token by token, for one prompt or several at once. Keys and values stay on the
 * device; a step reads back one row of logits a prompt. The same seed gives the same tokens on the
 * same device, whatever else is in the batch apart from rounding.
 */

import { headLogits } from "../../ops/head/logits.ts";
import { takeFloats } from "../../tensor/readback.ts";
import { sizeClass } from "../../tensor/size_class.ts";
import type { tf } from "../../tensor/tf.ts";
import { Continuation, type GenerateOptions } from "./continuation.ts";
import { emptyPrompt, promptTooLong } from "../errors.ts";
import type { CausalLM, TokenBatch } from "../model.ts";

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
  const positions = model.config.maxPositionEmbeddings;
  for (const prompt of prompts) checkPrompt(prompt, model);
  const texts = prompts.map((prompt, index) =>
    new Continuation(prompt, options, { index, positions })
  );
  const longest = Math.max(...texts.map((text) => text.length));
  const { decoder, hidden } = model.startDecoding(padPrompts(prompts), {
    lengths: Int32Array.from(texts, (text) => text.length),
    slots: sizeClass(Math.min(positions, longest + options.maxNewTokens)),
    reach: Int32Array.from(
      texts,
      (text) => Math.min(positions, text.length + options.maxNewTokens),
    ),
  });
  let last = hidden;
  try {
    while (true) {
      await hearSignal(options.signal);
      const logits = await readLogits(model, last);
      const width = logits.length / texts.length;
      texts.forEach((text, i) => text.choose(logits.subarray(i * width, (i + 1) * width)));
      if (texts.every((text) => text.end !== undefined)) return texts.map((text) => text.newIds);
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

/** Refuses a prompt that nothing can be generated after. @throws EMPTY_PROMPT, PROMPT_TOO_LONG. */
export function checkPrompt({ length }: readonly number[], { config }: CausalLM): void {
  if (length === 0) throw emptyPrompt();
  const limit = config.maxPositionEmbeddings;
  if (length >= limit) throw promptTooLong(length, limit);
}

/** Throws a signal's reason once it aborts. */
export async function hearSignal(signal: AbortSignal | undefined): Promise<void> {
  // On wasm and cpu no step waits for anything, and a signal's listener would never have its turn.
  if (signal) await new Promise((resolve) => setTimeout(resolve));
  signal?.throwIfAborted();
}

/** Prompts side by side, right-padded to a class of lengths. */
export function padPrompts(prompts: readonly (readonly number[])[]): TokenBatch {
  const length = sizeClass(Math.max(...prompts.map((prompt) => prompt.length)));
  const inputIds = new Int32Array(prompts.length * length);
  prompts.forEach((prompt, i) => inputIds.set(prompt, i * length));
  return { inputIds, batchSize: prompts.length, length };
}

/** The logits of hidden states, [B * V]; the states are kept. */
export async function readLogits(
  model: CausalLM,
  hidden: tf.Tensor2D,
): Promise<Float32Array> {
  return await takeFloats(headLogits(hidden, model.head()));
}
