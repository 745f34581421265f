/**
 * embeddingLayer: an embedding as a model has it: `embedding` of the model's own weight, and where
 * it is adapted `loraEmbedding`
 *
 *     ids [N] in [0, V)   weight [V, C]   y [N, C]
 */

import type { PackedMatrix } from "../../tensor/packed_matrix.ts";
import type { tf } from "../../tensor/tf.ts";
import { embedding } from "./embedding.ts";
import { type LoraBranch, loraEmbedding } from "../linear/lora.ts";

/** An embedding's weight [V, C]. */
export interface EmbeddingWeights {
  readonly weight: tf.Tensor2D | PackedMatrix;
  /** What trains beside the weight, which is then frozen. */
  readonly lora?: LoraBranch;
}

/** Looks up rows. */
export function embeddingLayer({ weight, lora }: EmbeddingWeights, ids: Int32Array): tf.Tensor2D {
  return lora ? loraEmbedding(weight, lora, ids) : embedding(weight, ids);
}
