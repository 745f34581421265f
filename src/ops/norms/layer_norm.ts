/**
 * layerNorm: y = x̂ ⊙ w + b, x̂ = (x - μ) r, μ = mean_c(x), r = 1 / sqrt(mean_c((x - μ)²) + ε)
 *
 *     x [N, C]   w, b [C]   (μ, r) [N, 2]   y [N, C]
 *     dX = r (g - mean_c(g) - x̂ mean_c(g x̂)), g = dY ⊙ w      dW = Σ_n dY x̂      dB = Σ_n dY
 *
 * Saves x, w and (μ, r); dW and dB are not computed for variables that are not trainable. (Ba et
 * al. 2016, eq. 4.) On webgpu: one pass over the rows each way (layer_norm.wgsl,
 * layer_norm_dx.wgsl), dW by blocks of rows (`termSum`) whose sums are then added in order, dB by
 * `columnSum`. Reference: `reference`.
 */

import { EACH_ROW } from "../../tensor/entry_points.ts";
import { isFrozen, withGradient } from "../../tensor/gradient.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { laneShape, laneSum, vectorSource, vectorWidth } from "../../tensor/lanes.ts";
import { floatBits, runProgram } from "../../tensor/program.ts";
import { tf } from "../../tensor/tf.ts";
import { columnSum, termSum } from "../column_sum.ts";
import forwardCode from "./layer_norm.wgsl" with { type: "text" };
import dXCode from "./layer_norm_dx.wgsl" with { type: "text" };

/** A layer norm's weight and bias, [C] both. */
export interface LayerNormWeights {
  readonly weight: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
}

/** Brings each row to mean 0 and variance 1, then to the learned scale and shift. */
export function layerNorm(
  x: tf.Tensor2D,
  { weight, bias }: LayerNormWeights,
  epsilon: number,
): tf.Tensor2D {
  const [trainsWeight, trainsBias] = [!isFrozen(weight), !isFrozen(bias)];
  const passes = usesFused() ? fused : reference;
  return withGradient<tf.Tensor2D>(
    [x, ...(trainsWeight ? [weight] : []), ...(trainsBias ? [bias] : [])],
    (save) => {
      const { y, statistics } = passes.forward(x, { weight, bias }, epsilon);
      save([x, weight, statistics]);
      return y;
    },
    (dY, saved) => {
      const [x, weight, statistics] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
      const dX = passes.inputGradient(x, weight, statistics, dY);
      const gradients = [dX];
      if (trainsWeight) gradients.push(passes.weightGradient(x, statistics, dY));
      if (trainsBias) gradients.push(columnSum(dY));
      return gradients;
    },
  );
}

interface Passes {
  forward(
    x: tf.Tensor2D,
    weights: LayerNormWeights,
    epsilon: number,
  ): { y: tf.Tensor2D; statistics: tf.Tensor2D };
  inputGradient(
    x: tf.Tensor2D,
    weight: tf.Tensor1D,
    statistics: tf.Tensor2D,
    dY: tf.Tensor2D,
  ): tf.Tensor;
  weightGradient(x: tf.Tensor2D, statistics: tf.Tensor2D, dY: tf.Tensor2D): tf.Tensor;
}

/** The same in tfjs's operations. */
const reference: Passes = {
  forward(x, { weight, bias }, epsilon) {
    const mean = tf.mean(x, 1, true) as tf.Tensor2D;
    const centred = tf.sub(x, mean);
    const r = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
    const y = tf.add(tf.mul(tf.mul(centred, r), weight), bias) as tf.Tensor2D;
    return { y, statistics: tf.concat([mean, r], 1) as tf.Tensor2D };
  },
  inputGradient(x, weight, statistics, dY) {
    const { normed, r } = normedOf(x, statistics);
    const g = tf.mul(dY, weight);
    const along = tf.mul(normed, tf.mean(tf.mul(g, normed), 1, true));
    return tf.mul(r, tf.sub(tf.sub(g, tf.mean(g, 1, true)), along));
  },
  weightGradient(x, statistics, dY) {
    return tf.sum(tf.mul(dY, normedOf(x, statistics).normed), 0);
  },
};

function normedOf(x: tf.Tensor2D, statistics: tf.Tensor2D): { normed: tf.Tensor; r: tf.Tensor } {
  const [mean, r] = tf.split(statistics, 2, 1) as [tf.Tensor, tf.Tensor];
  return { normed: tf.mul(tf.sub(x, mean), r), r };
}

const fused: Passes = {
  forward(x, { weight, bias }, epsilon) {
    const [N, C] = x.shape;
    const width = vectorWidth(C);
    const [y, statistics] = runProgram({
      ...vectorSource("layer_norm", EACH_ROW + laneSum("f32") + forwardCode, width),
      label: "layer norm",
      constants: { lanes: laneShape().lanes },
      inputs: [x, weight, bias],
      outputs: [{ shape: [N, C] }, { shape: [N, 2] }],
      uniforms: [N, C / width, floatBits(epsilon)],
      workgroups: N,
    });
    return { y: y as tf.Tensor2D, statistics: statistics as tf.Tensor2D };
  },
  inputGradient(x, weight, statistics, dY) {
    const [N, C] = x.shape;
    const width = vectorWidth(C);
    return runProgram({
      ...vectorSource("layer_norm_dx", EACH_ROW + laneSum("vec2<f32>") + dXCode, width),
      label: "layer norm's gradient",
      constants: { lanes: laneShape().lanes },
      inputs: [x, weight, statistics, dY],
      outputs: [{ shape: [N, C] }],
      uniforms: [N, C / width],
      workgroups: N,
    })[0]!;
  },
  weightGradient(x, statistics, dY) {
    return termSum({
      name: "layer_norm_dweight",
      label: "layer norm's weight gradient",
      inputs: {
        x: { tensor: x, type: "V" },
        statistics: { tensor: statistics, type: "vec2<f32>" },
        dY: { tensor: dY, type: "V" },
      },
      term: "dY[i] * ((x[i] - statistics[row].x) * statistics[row].y)",
    }, x.shape);
  },
};
