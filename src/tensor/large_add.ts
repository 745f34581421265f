/**
 * Teaches tfjs's addition on webgpu two tensors of one shape that outgrow a binding. The gradient
 * tape needs it where a weight is used twice, as a tied embedding is; what fits is left to tfjs.
 */

import { runElementwise } from "./elementwise.ts";
import code from "./large_add.wgsl" with { type: "text" };
import { maxTensorBytes } from "./limits.ts";
import { allocate } from "./program.ts";
import { tf } from "./tf.ts";

let registered = false;

/** Puts our addition before tfjs's, once. */
export function registerLargeAdd(): void {
  if (registered) return;
  registered = true;
  const stock = tf.getKernel("Add", "webgpu");
  tf.unregisterKernel("Add", "webgpu");
  tf.registerKernel({
    ...stock,
    kernelFunc: (run) => {
      const { a, b } = run.inputs as { a: tf.Tensor; b: tf.Tensor };
      const isLarge = 4 * tf.util.sizeFromShape(a.shape) > maxTensorBytes();
      return isLarge && tf.util.arraysEqual(a.shape, b.shape) ? add(a, b) : stock.kernelFunc(run);
    },
  });
}

function add(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const y = allocate(a.shape, "float32", "a sum of gradients");
  runElementwise({
    key: "large_add",
    code,
    label: "a sum of gradients",
    inputs: [a, b],
    inPlace: [y],
  });
  return y;
}
