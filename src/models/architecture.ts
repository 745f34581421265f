/** What a model_type brings: its weights' names and shapes, and what its blocks compute. */

import type { tf } from "../tensor/tf.ts";
import type { ModelConfig } from "./config.ts";
import type { Parameters } from "./parameters.ts";

/** One architecture; `registry.ts` lists them by model_type. */
export interface Architecture {
  /** Every weight's shape by its name in checkpoints. */
  parameterShapes(config: ModelConfig): Map<string, number[]>;
  /** Names in checkpoints that are known to be of no use, such as buffers that can be computed. */
  isIgnored(name: string): boolean;
  /** What computes with these weights. */
  blocks(config: ModelConfig, parameters: Parameters): Blocks;
}

/** An architecture's computation on a flat stream of N tokens; differentiable in the weights. */
export interface Blocks {
  /** ids [N], all inside the vocabulary -> [N, C]. */
  embed(inputIds: Int32Array): tf.Tensor2D;
  /** One block: [N, C] -> [N, C]. */
  block(x: tf.Tensor2D, layer: number, around: Surroundings): tf.Tensor2D;
  /** What comes after the last block, the last norm: [N, C] -> [N, C]. */
  finish(x: tf.Tensor2D): tf.Tensor2D;
  /** The head's weight, [V, C]: lm_head, or the embedding where tied. */
  headWeight(): tf.Tensor2D;
}

/** Where the tokens of a stream are, and what they see: all that a block knows of the others. */
export interface Surroundings {
  /** Rotates heads [N, H, D] by their tokens' positions. */
  rotate(heads: tf.Tensor3D): tf.Tensor3D;
  /** How queries meet keys and values; all [N, H or K, D], already rotated. */
  attend(layer: number, q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D): tf.Tensor3D;
}
