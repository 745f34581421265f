/**
 * accumulate: total += share, for gradients of several micro-batches
 *
 *     total, share: any one shape
 *
 * On webgpu the sum takes total's place (accumulate.wgsl), of any size. Reference: tf.add. Not
 * differentiable.
 */

import { runElementwise } from "../../tensor/elementwise.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { tf } from "../../tensor/tf.ts";
import code from "./accumulate.wgsl" with { type: "text" };

/**
 * Adds `share` to `total` and takes both over: the result is total itself, or a new tensor where
 * the device or another holder of total's values (a clone, a reshape) forbids writing there.
 */
export function accumulate(total: tf.Tensor, share: tf.Tensor): tf.Tensor {
  const alone = tf.engine().backend.refCount(total.dataId) === 1;
  if (!usesFused() || !alone) {
    const sum = tf.add(total, share);
    tf.dispose([total, share]);
    return sum;
  }
  runElementwise({
    key: "accumulate",
    code,
    label: "a sum of gradients",
    inputs: [share],
    inPlace: [total],
  });
  share.dispose();
  return total;
}
