/** An operation with a gradient of its own: tfjs's customGrad, typed and with fewer closures. */

import { isPacked, type PackedMatrix } from "./packed_matrix.ts";
import { tf } from "./tf.ts";

/**
 * Computes `forward` and, in the backward pass, `gradient`.
 *
 * @param inputs What the result is differentiable in.
 * @param forward Makes the result; what it passes to `save` is kept until the backward pass.
 * @param gradient Takes dY and what was saved, gives one gradient an input, in their order.
 */
export function withGradient<Y extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: (tensors: tf.Tensor[]) => void) => Y,
  gradient: (dY: Y, saved: tf.Tensor[]) => tf.Tensor[],
): Y {
  const operation = tf.customGrad((...args) => {
    const save = args[args.length - 1] as unknown as tf.GradSaveFunc;
    // Without a scope of its own, what `gradient` makes on the way lives until all gradients are.
    const gradFunc = (dY: Y, saved: tf.Tensor[]) => tf.tidy(() => gradient(dY, saved));
    return { value: forward(save), gradFunc };
  });
  return operation(...inputs) as Y;
}

/** Whether a weight is packed, or a variable that does not train: it needs no gradient. */
export function isFrozen(weight: tf.Tensor | PackedMatrix): boolean {
  return isPacked(weight) || (weight instanceof tf.Variable && !weight.trainable);
}
