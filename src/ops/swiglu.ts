/**
 * swiglu: y = silu(gate) ⊙ up, silu(g) = g σ(g)
 *
 *     gate, up, y [N, F]
 *     dGate = dY ⊙ up ⊙ σ (1 + gate (1 - σ))      dUp = dY ⊙ silu(gate)
 *
 * Saves gate and up. (Shazeer 2020, "GLU variants", eq. 6.) On webgpu one program each way
 * (swiglu.wgsl, swiglu_gradient.wgsl). Reference: `reference`.
 */

import { runElementwise } from "../tensor/elementwise.ts";
import { withGradient } from "../tensor/gradient.ts";
import { usesFused } from "../tensor/kernels.ts";
import { tf } from "../tensor/tf.ts";
import forwardCode from "./swiglu.wgsl" with { type: "text" };
import gradientCode from "./swiglu_gradient.wgsl" with { type: "text" };

/** Gates `up` by the SiLU of `gate`. */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  if (!usesFused()) return reference(gate, up);
  return withGradient<tf.Tensor2D>(
    [gate, up],
    (save) => {
      save([gate, up]);
      const [y] = runElementwise({
        key: "swiglu",
        code: forwardCode,
        label: "swiglu",
        inputs: [gate, up],
        outputs: 1,
      });
      return y as tf.Tensor2D;
    },
    (dY, saved) =>
      runElementwise({
        key: "swiglu_gradient",
        code: gradientCode,
        label: "swiglu's gradient",
        inputs: [...saved, dY],
        outputs: 2,
      }),
  );
}

/** The same in tfjs's operations. */
function reference(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  return withGradient<tf.Tensor2D>(
    [gate, up],
    (save) => {
      save([gate, up]);
      return tf.mul(tf.mul(gate, tf.sigmoid(gate)), up);
    },
    (dY, saved) => {
      const [gate, up] = saved as [tf.Tensor2D, tf.Tensor2D];
      const sigma = tf.sigmoid(gate);
      const silu = tf.mul(gate, sigma);
      const slope = tf.add(sigma, tf.mul(silu, tf.sub(1, sigma)));
      return [tf.mul(tf.mul(dY, up), slope), tf.mul(dY, silu)];
    },
  );
}
