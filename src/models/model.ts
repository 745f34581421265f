/**
 * What a causal language model is to the trainer, the evaluator and the generator. One file a
 * model_type implements it; callers never ask which.
 */

import type { HeadWeights } from "../ops/head/logits.ts";
import type { SegmentLayout } from "../ops/attention/segments.ts";
import type { PackedMatrix } from "../tensor/packed_matrix.ts";
import type { tf } from "../tensor/tf.ts";
import type { ModelConfig } from "./config.ts";
import type { LoraAdapters } from "./lora/lora.ts";

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

/** Token ids of one stream, in which the layout says what sees what, and at which positions. */
export interface PackedBatch {
  /** [N]. */
  readonly inputIds: Int32Array;
  /** Of the same N tokens. */
  readonly layout: SegmentLayout;
}

/** Which pass of a training it is: all that decides what dropout drops. */
export interface TrainingPass {
  /** The training's. */
  readonly seed: string;
  /** Optimizer steps made before. */
  readonly step: number;
  /** Micro-batches of this step before. */
  readonly microBatch: number;
}

/**
 * A batch on its way through the model, piece by piece, so that a caller decides what is recorded
 * for gradients and what is kept. Every piece is differentiable in its input and the weights.
 */
export interface ForwardPass {
  /** Blocks there are. */
  readonly layers: number;
  /** The first block's input, [N, C]. */
  embed(): tf.Tensor2D;
  /** A block's output, [N, C]; the same for the same input, however often it is asked. */
  block(x: tf.Tensor2D, layer: number): tf.Tensor2D;
  /** The last block's output through the last norm, [N, C]. */
  finish(x: tf.Tensor2D): tf.Tensor2D;
  /** What takes hidden states to logits in this pass. */
  head(): HeadWeights;
  /** Frees what the pieces share; not what they gave. */
  dispose(): void;
}

/** What decoding needs to know beforehand. */
export interface DecodingOptions {
  /** [B] tokens of each prompt, without padding. */
  readonly lengths: Int32Array;
  /** Slots to keep for each sequence, prompt included. */
  readonly slots: number;
  /**
   * [B] tokens that each sequence may grow to: where a model rotates long ones otherwise, this
   * decides. Default: slots.
   */
  readonly reach?: Int32Array;
}

/** A generation under way. */
export interface Decoder {
  /**
   * Adds T tokens to every sequence.
   *
   * @param ids [B * T] the tokens.
   * @param positions [B * T] the places they take, below `slots`, each sequence's one after another.
   *   Places that were taken before are written over; those behind the last are not seen.
   * @returns Hidden states after the last norm, [B * T, C]; the caller disposes them.
   */
  step(ids: Int32Array, positions: Int32Array): tf.Tensor2D;
  /** Frees what is kept. */
  dispose(): void;
}

/** A decoder, and the hidden states after each prompt's last token, [B, C]. */
export interface DecodingStart {
  readonly decoder: Decoder;
  /** The caller disposes them. */
  readonly hidden: tf.Tensor2D;
}

/** A causal language model with its weights on the device. */
export interface CausalLM {
  readonly config: ModelConfig;
  /** Float32 weights by the checkpoint's names; a tied head has no entry of its own. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** Frozen weights that are kept in fewer bits, by the checkpoint's names. Absent: none. */
  readonly packed?: ReadonlyMap<string, PackedMatrix>;
  /** The branches that train beside frozen weights. Absent: none. */
  readonly lora?: LoraAdapters;
  /** What a training changes, by name: the branches' tensors, or else parameters that are not frozen. */
  readonly trainable: ReadonlyMap<string, tf.Variable>;
  /**
   * Starts a forward pass that the caller makes piece by piece.
   *
   * @param training Absent: nothing is dropped.
   */
  startPass(batch: TokenBatch | PackedBatch, training?: TrainingPass): ForwardPass;
  /**
   * Hidden states after the last norm, [B * T, C] of a padded batch, [N, C] of a packed one;
   * differentiable in what trains. Nothing is dropped.
   */
  hidden(batch: TokenBatch | PackedBatch): tf.Tensor2D;
  /** All that takes hidden states to logits: weight and, where there are, bias, soft cap, branch. */
  head(): HeadWeights;
  /** Runs prompts and keeps their keys and values, for adding tokens one by one. No gradients. */
  startDecoding(prompts: TokenBatch, options: DecodingOptions): DecodingStart;
  /** Frees the weights. */
  dispose(): void;
}
