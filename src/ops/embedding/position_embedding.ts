/**
 * positionEmbedding: y[n] = weight[positions[n] + offset], for positions that are learned
 *
 *     positions [N]   weight [P, C]   y [N, C]
 *     dWeight as of `embedding`
 *
 * A position beyond the last row takes that row: only padding has any, and nothing reads it.
 */

import type { tf } from "../../tensor/tf.ts";
import { embedding } from "./embedding.ts";

/** Looks up the embeddings of positions; the rows before `offset` belong to none. */
export function positionEmbedding(
  weight: tf.Tensor2D,
  positions: Int32Array,
  offset = 0,
): tf.Tensor2D {
  const last = weight.shape[0] - 1;
  return embedding(weight, positions.map((position) => Math.min(position + offset, last)));
}
