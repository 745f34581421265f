/** What a model_type brings: its configuration, weights' names and shapes, and what it computes. */

import type { AttentionSettings } from "../ops/attention/settings.ts";
import type { PackedMatrix } from "../tensor/packed_matrix.ts";
import type { tf } from "../tensor/tf.ts";
import type { ModelConfig } from "./config.ts";
import type { ConfigFiles } from "./config/decoder.ts";
import type { Parameters } from "./parameters.ts";
import type { RopeSettings } from "./rope_angles.ts";

/** One architecture; `registry.ts` lists them by model_type. */
export interface Architecture {
  /** What sets it apart, in a few words, for whoever has a checkpoint of another. */
  readonly summary: string;
  /**
   * What the names of its weights begin with, where checkpoints of the bare model, saved without
   * its head, leave that out.
   */
  readonly basePrefix?: string;
  /** Whether the weights of its linear layers are stored [in, out]. Default false. */
  readonly isTransposed?: boolean;
  /** Reads config.json. @throws {OddsmithError} ModelError MISSING_FIELD, BAD_FIELD, UNSUPPORTED. */
  parseConfig(files: ConfigFiles): ModelConfig;
  /** Every weight's shape by its name in checkpoints. */
  parameterShapes(config: ModelConfig): Map<string, number[]>;
  /** Names in checkpoints that are known to be of no use, such as buffers that can be computed. */
  isIgnored(name: string): boolean;
  /** What computes with these weights. */
  blocks(config: ModelConfig, parameters: Parameters): Blocks;
}

/** An architecture's computation on a flat stream of N tokens; differentiable in the weights. */
export interface Blocks {
  /** The rotations that its layers ask for, by number; none where positions are learned. */
  readonly ropes: readonly RopeSettings[];
  /**
   * ids [N], all inside the vocabulary -> [N, C].
   *
   * @param positions [N] each token's place in its sequence; padding's may lie beyond the model's.
   */
  embed(inputIds: Int32Array, positions: Int32Array): tf.Tensor2D;
  /** One block: [N, C] -> [N, C]. */
  block(x: tf.Tensor2D, layer: number, around: Surroundings): tf.Tensor2D;
  /** What comes after the last block, such as a last norm: [N, C] -> [N, C]. */
  finish(x: tf.Tensor2D): tf.Tensor2D;
  /** The head's weight, [V, C], without its branch: lm_head, or the embedding where tied. */
  headWeight(): tf.Tensor2D | PackedMatrix;
  /** The head's bias, [V], where it has one. */
  headBias?(): tf.Tensor1D;
}

/** Where the tokens of a stream are, and what they see: all that a block knows of the others. */
export interface Surroundings {
  /**
   * Rotates heads [N, H, D] by their tokens' positions.
   *
   * @param rope Which of `Blocks.ropes`. Default 0.
   */
  rotate(heads: tf.Tensor3D, rope?: number): tf.Tensor3D;
  /** How queries meet keys and values; all [N, H or K, D], already rotated. */
  attend(
    layer: number,
    q: tf.Tensor3D,
    k: tf.Tensor3D,
    v: tf.Tensor3D,
    settings?: AttentionSettings,
  ): tf.Tensor3D;
}
