/**
 * rmsNorm: y = x̂ ⊙ w, x̂ = x r, r = 1 / sqrt(mean_c(x²) + ε)
 *
 *     x [N, C]   w [C]   r [N, 1]   y [N, C]
 *     dX = r (g - x̂ mean_c(g x̂)), g = dY ⊙ w      dW = Σ_n dY x̂
 *     with an offset o, w + o stands for w: Gemma keeps a weight's distance from 1
 *
 * Saves x, w and r; dW is not computed for a variable that is not trainable. (Zhang & Sennrich 2019,
 * eq. 4.) On webgpu: one pass over the rows each way (rms_norm.wgsl, rms_norm_dx.wgsl), and dW by
 * blocks of rows (`termSum`) whose sums are then added in order. Reference: `reference`.
 */

import { EACH_ROW } from "../../tensor/entry_points.ts";
import { isFrozen, withGradient } from "../../tensor/gradient.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { laneShape, laneSum, vectorSource, vectorWidth } from "../../tensor/lanes.ts";
import { floatBits, runProgram } from "../../tensor/program.ts";
import { tf } from "../../tensor/tf.ts";
import { termSum } from "../column_sum.ts";
import forwardCode from "./rms_norm.wgsl" with { type: "text" };
import dXCode from "./rms_norm_dx.wgsl" with { type: "text" };

/** Scales each row to unit root mean square, then by the learned `weight` plus `offset`. */
export function rmsNorm(
  x: tf.Tensor2D,
  weight: tf.Tensor1D,
  epsilon: number,
  offset: 0 | 1 = 0,
): tf.Tensor2D {
  if (!usesFused()) return reference(x, weight, epsilon, offset);
  const isConstant = isFrozen(weight);
  return withGradient<tf.Tensor2D>(
    isConstant ? [x] : [x, weight],
    (save) => {
      const { y, r } = forward(x, weight, epsilon, offset);
      save([x, weight, r]);
      return y;
    },
    (dY, saved) => {
      const [x, weight, r] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
      const dX = inputGradient(x, weight, r, dY, offset);
      return isConstant ? [dX] : [dX, weightGradient(x, r, dY)];
    },
  );
}

/** The same in tfjs's operations. */
function reference(
  x: tf.Tensor2D,
  weight: tf.Tensor1D,
  epsilon: number,
  offset: 0 | 1,
): tf.Tensor2D {
  const isConstant = isFrozen(weight);
  const shifted = (w: tf.Tensor1D) => offset === 0 ? w : tf.add<tf.Tensor1D>(w, offset);
  return withGradient<tf.Tensor2D>(
    isConstant ? [x] : [x, weight],
    (save) => {
      const r = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), epsilon));
      save([x, weight, r]);
      return tf.mul(tf.mul(x, r), shifted(weight));
    },
    (dY, saved) => {
      const [x, weight, r] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
      const normed = tf.mul(x, r);
      const g = tf.mul(dY, shifted(weight));
      const along = tf.mean(tf.mul(g, normed), 1, true);
      const dX = tf.mul(r, tf.sub(g, tf.mul(normed, along)));
      return isConstant ? [dX] : [dX, tf.sum(tf.mul(dY, normed), 0)];
    },
  );
}

function forward(
  x: tf.Tensor2D,
  weight: tf.Tensor1D,
  epsilon: number,
  offset: 0 | 1,
): { y: tf.Tensor2D; r: tf.Tensor2D } {
  const [N, C] = x.shape;
  const width = vectorWidth(C);
  const [y, r] = runProgram({
    ...vectorSource("rms_norm", EACH_ROW + laneSum("f32") + forwardCode, width),
    label: "rms norm",
    constants: { lanes: laneShape().lanes, offset },
    inputs: [x, weight],
    outputs: [{ shape: [N, C] }, { shape: [N, 1] }],
    uniforms: [N, C / width, floatBits(epsilon)],
    workgroups: N,
  });
  return { y: y as tf.Tensor2D, r: r as tf.Tensor2D };
}

function inputGradient(
  x: tf.Tensor2D,
  weight: tf.Tensor1D,
  r: tf.Tensor2D,
  dY: tf.Tensor2D,
  offset: 0 | 1,
): tf.Tensor {
  const [N, C] = x.shape;
  const width = vectorWidth(C);
  return runProgram({
    ...vectorSource("rms_norm_dx", EACH_ROW + laneSum("f32") + dXCode, width),
    label: "rms norm's gradient",
    constants: { lanes: laneShape().lanes, offset },
    inputs: [x, weight, r, dY],
    outputs: [{ shape: [N, C] }],
    uniforms: [N, C / width],
    workgroups: N,
  })[0]!;
}

function weightGradient(x: tf.Tensor2D, r: tf.Tensor2D, dY: tf.Tensor2D): tf.Tensor1D {
  return termSum({
    name: "rms_norm_dweight",
    label: "rms norm's weight gradient",
    inputs: {
      x: { tensor: x, type: "V" },
      r: { tensor: r, type: "f32" },
      dY: { tensor: dY, type: "V" },
    },
    term: "dY[i] * (x[i] * r[row])",
  }, x.shape);
}
