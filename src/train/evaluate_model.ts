/**
 * Evaluates one model: scores of all held-out pairs, then what it writes after each prompt. The
 * model is loaded here and freed here, so that two models are never on the device together.
 */

import { generateBatch } from "../models/generation/generate.ts";
import { loadCausalLM } from "../models/folder/load.ts";
import { tuneModel } from "../models/tune.ts";
import { currentDevice } from "../tensor/device.ts";
import type { Quantization } from "../models/weights.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type ScoreOptions, scorePairs } from "./evaluate_pairs.ts";
import type { EvaluationPrompt } from "./evaluation_prompts.ts";
import type { PairTokens } from "./batch.ts";
import type { PairScore } from "./metrics.ts";

/** Rows of a batch of pairs, more or less: what kernels are timed for. */
const TYPICAL_ROWS = 2048;

/** How a model is evaluated. */
export interface EvaluateModelOptions extends ScoreOptions {
  /** How weights are kept. Default "none": float32. */
  quantization?: Quantization;
  /** Aborts between batches and tokens. */
  signal: AbortSignal;
  /** How text is generated; every batch of prompts has a seed made of `seed`. */
  generation: {
    maxNewTokens: number;
    temperature: number;
    topK?: number;
    topP?: number;
    seed: string;
  };
  /** Told how many pairs are scored. */
  onScored(pairs: number): void;
  /** Told how many prompts are answered. */
  onWritten(prompts: number): void;
}

/** What a model gave. */
export interface ModelEvaluation {
  /** By pair, in their order. */
  scores: PairScore[];
  /** By prompt, without special tokens. */
  written: string[];
}

/**
 * Evaluates the model of a Hugging Face folder.
 *
 * @throws {OddsmithError} As `loadCausalLM`, `scorePairs` and `generateBatch`; the signal's reason once
 * it aborts.
 */
export async function evaluateModel(
  dir: string,
  pairs: AsyncIterable<PairTokens>,
  prompts: readonly EvaluationPrompt[],
  tokenizer: Tokenizer,
  options: EvaluateModelOptions,
): Promise<ModelEvaluation> {
  const model = await loadCausalLM(dir, { frozen: true, quantization: options.quantization });
  try {
    await tuneModel(model, [TYPICAL_ROWS, options.batchSize]);
    const scores: PairScore[] = [];
    for await (const score of scorePairs(model, pairs, options)) {
      scores.push(score);
      options.onScored(scores.length);
    }
    const written: string[] = [];
    for (let at = 0; at < prompts.length; at += options.batchSize) {
      const asked = prompts.slice(at, at + options.batchSize).map((prompt) => prompt.ids);
      const answers = await generateBatch(model, asked, {
        ...options.generation,
        seed: `${options.generation.seed} ${at}`,
        eosTokenIds: tokenizer.eosTokenIds,
        signal: options.signal,
      });
      written.push(...answers.map((ids) => tokenizer.decode(ids, { skipSpecialTokens: true })));
      options.onWritten(written.length);
    }
    return { scores, written };
  } finally {
    model.dispose();
    currentDevice().memory.release();
  }
}
