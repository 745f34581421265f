/**
 * What a causal language model is to the trainer, the evaluator and the generator. One file a
 * model_type implements it; callers never ask which.
 */

import type { tf } from "../tensor/tf.ts";
import type { ModelConfig } from "./config.ts";

/**
 * Token ids of B sequences, right-padded to T. Attention is causal, so padding (any id) never
 * reaches a real token; callers must not read hidden rows of padding.
 */
export interface TokenBatch {
  /** [B * T], row-major. */
  readonly inputIds: Int32Array;
  readonly batchSize: number;
  readonly length: number;
}

/** A causal language model with its weights on the device. */
export interface CausalLM {
  readonly config: ModelConfig;
  /** Weights by the checkpoint's names, float32; a tied head has no entry of its own. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** Hidden states after the last norm, [B * T, C]; differentiable in the parameters. */
  hidden(batch: TokenBatch): tf.Tensor2D;
  /** The head's weight, [V, C]: lm_head, or the embedding where tied. */
  headWeight(): tf.Tensor2D;
  /** Frees the weights. */
  dispose(): void;
}
