/**
 * gatherRows: y[n] = x[ids[n]]
 *
 *     x [R, C]   ids [N] in [0, R)   y [N, C]
 *
 * On webgpu x may outgrow a binding: its rows are bound run by run, and every run writes the rows
 * of y that it holds (gather_rows.wgsl). Reference: tf.gather. Not differentiable itself:
 * `segmentSum` is its gradient.
 */

import { usesFused } from "../tensor/kernels.ts";
import { laneShape, vectorSource, vectorWidth } from "../tensor/lanes.ts";
import { allocate, runProgram } from "../tensor/program.ts";
import { rowRanges } from "../tensor/ranges.ts";
import { tf } from "../tensor/tf.ts";
import code from "./gather_rows.wgsl" with { type: "text" };

/** Looks up rows of a matrix. */
export function gatherRows(x: tf.Tensor2D, ids: Int32Array): tf.Tensor2D {
  return tf.tidy(() => {
    const places = tf.tensor1d(ids, "int32");
    return usesFused() ? gather(x, places) : tf.gather(x, places);
  });
}

function gather(x: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const [R, C] = x.shape;
  const width = vectorWidth(C);
  const y = allocate([ids.size, C], "float32", "a gather of rows");
  for (const { start, count } of rowRanges(R, C)) {
    runProgram({
      ...vectorSource("gather_rows", code, width),
      label: "a gather of rows",
      constants: { lanes: laneShape().lanes },
      inputs: [{ tensor: x, start: start * C, length: count * C }, ids],
      inPlace: [y],
      uniforms: [ids.size, C / width, start, count],
      workgroups: ids.size,
    });
  }
  return y as tf.Tensor2D;
}
