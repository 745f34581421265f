/**
 * gatherRows: y[n] = x[ids[n]]
 *
 *     x [R, C], may be packed   ids [N] in [0, R)   y [N, C]
 *
 * On webgpu x may outgrow a binding: its rows are bound run by run, and every run writes the rows
 * of y that it holds (gather_rows.wgsl). Reference: tf.gather. Not differentiable itself:
 * `segmentSum` is its gradient.
 */

import { EACH_ROW } from "../../tensor/entry_points.ts";
import { wordsOf } from "../../tensor/packed_format.ts";
import { isPacked, type PackedMatrix } from "../../tensor/packed_matrix.ts";
import { readerSource } from "../../tensor/packed_source.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { laneShape, vectorSource, vectorWidth } from "../../tensor/lanes.ts";
import { storedMatrix } from "../../tensor/matmul_problem.ts";
import { allocate, runProgram } from "../../tensor/program.ts";
import { rowRanges } from "../../tensor/ranges.ts";
import { tf } from "../../tensor/tf.ts";
import { unpackRows } from "../../tensor/unpack.ts";
import code from "./gather_rows.wgsl" with { type: "text" };

/** Looks up rows of a matrix. */
export function gatherRows(x: tf.Tensor2D | PackedMatrix, ids: Int32Array): tf.Tensor2D {
  return tf.tidy(() => {
    const places = tf.tensor1d(ids, "int32");
    if (usesFused()) return gather(x, places);
    if (!isPacked(x)) return tf.gather(x, places);
    // tfjs's own gather on webgpu takes integers through float32.
    if (tf.getBackend() === "webgpu") return gather(x, places);
    const rowsOf = tf.gather(x.rowsOf, places);
    return unpackRows({ ...x, rowsOf, shape: [ids.length, x.shape[1]] });
  });
}

function gather(x: tf.Tensor2D | PackedMatrix, ids: tf.Tensor1D): tf.Tensor2D {
  const [R, C] = x.shape;
  const width = vectorWidth(C);
  const { tensor, format } = storedMatrix(x);
  const words = wordsOf(C, format);
  const source = `${EACH_ROW}${readerSource("x", 0, format, width)}\n${code}`;
  const y = allocate([ids.size, C], "float32", "a gather of rows");
  for (const { start, count } of rowRanges(R, words)) {
    runProgram({
      ...vectorSource(`gather_rows/${format}`, source, width),
      label: "a gather of rows",
      constants: { lanes: laneShape().lanes },
      inputs: [{ tensor, start: start * words, length: count * words }, ids],
      inPlace: [y],
      uniforms: [ids.size, C / width, start, count],
      workgroups: ids.size,
    });
  }
  return y as tf.Tensor2D;
}
