/**
 * embedding: y[n] = weight[ids[n]]
 *
 *     ids [N] in [0, V)   weight [V, C]   y [N, C]
 *     dWeight[v] = Σ over n with ids[n] = v of dY[n]
 *
 * Saves nothing. Forward `gatherRows`, backward `segmentSum`: each adds in a fixed order, and on
 * webgpu takes a weight that outgrows a binding.
 */

import { isFrozen, withGradient } from "../../tensor/gradient.ts";
import { isPacked, type PackedMatrix } from "../../tensor/packed_matrix.ts";
import type { tf } from "../../tensor/tf.ts";
import { gatherRows } from "./gather_rows.ts";
import { segmentSum } from "./segment_sum.ts";

/**
 * Looks up rows of `weight`; also takes rows of hidden states (the ids are then row numbers). A
 * variable that is not trainable gets no gradient; neither does a packed matrix.
 */
export function embedding(weight: tf.Tensor2D | PackedMatrix, ids: Int32Array): tf.Tensor2D {
  if (isPacked(weight) || isFrozen(weight)) return gatherRows(weight, ids);
  return withGradient<tf.Tensor2D>(
    [weight],
    () => gatherRows(weight, ids),
    (dY) => [segmentSum(dY, ids, weight.shape[0])],
  );
}
