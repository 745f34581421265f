/**
 * columnSum: y[c] = Σ_n x[n, c]
 *
 *     x [N, C]   y [C]
 *
 * On webgpu blocks of rows are added, then blocks of those sums, until one row is left: always in
 * the same order. Not differentiable itself. Reference: tf.sum(x, 0).
 */

import { usesFused } from "../tensor/kernels.ts";
import { laneShape, vectorSource, vectorWidth } from "../tensor/lanes.ts";
import { runProgram } from "../tensor/program.ts";
import { tf } from "../tensor/tf.ts";
import code from "./column_sum.wgsl" with { type: "text" };

/** Rows that one lane adds. */
export const ROW_BLOCK = 32;

/** Adds up the rows of a matrix. */
export function columnSum(x: tf.Tensor2D): tf.Tensor1D {
  if (!usesFused()) return tf.sum(x, 0);
  return tf.tidy(() => {
    let rows = x;
    while (rows.shape[0] > 1) rows = sumBlocks(rows);
    return tf.reshape(rows, [x.shape[1]]);
  });
}

function sumBlocks(x: tf.Tensor2D): tf.Tensor2D {
  const [N, C] = x.shape;
  const { lanes } = laneShape();
  const width = vectorWidth(C);
  const blocks = Math.ceil(N / ROW_BLOCK);
  const [y] = runProgram({
    ...vectorSource("column_sum", code, width),
    label: "a sum over rows",
    constants: { lanes, block: ROW_BLOCK },
    inputs: [x],
    outputs: [{ shape: [blocks, C] }],
    uniforms: [N, C / width],
    workgroups: [Math.ceil(C / width / lanes), blocks, 1],
  });
  return y as tf.Tensor2D;
}
