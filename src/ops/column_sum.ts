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
const ROW_BLOCK = 32;

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
  return blockSums({ name: "column_sum", code, label: "a sum over rows", inputs: [x] }, x.shape);
}

/** A program that adds something up over blocks of `ROW_BLOCK` rows, a lane a column. */
export interface BlockProgram {
  /** Names the code, whose constants are `lanes` and `block` and whose uniforms rows and vectors. */
  readonly name: string;
  readonly code: string;
  readonly label: string;
  readonly inputs: readonly tf.Tensor[];
}

/** The sums of each block of rows of [N, C] inputs: [N / ROW_BLOCK, C]. On webgpu alone. */
export function blockSums(
  { name, code, label, inputs }: BlockProgram,
  [N, C]: readonly [number, number],
): tf.Tensor2D {
  const { lanes } = laneShape();
  const width = vectorWidth(C);
  const blocks = Math.ceil(N / ROW_BLOCK);
  const [sums] = runProgram({
    ...vectorSource(name, code, width),
    label,
    constants: { lanes, block: ROW_BLOCK },
    inputs,
    outputs: [{ shape: [blocks, C] }],
    uniforms: [N, C / width],
    workgroups: [Math.ceil(C / width / lanes), blocks, 1],
  });
  return sums as tf.Tensor2D;
}
