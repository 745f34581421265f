/**
 * Unpacks rows of packed matrices to float32: on webgpu by a program (unpack.wgsl), into a tensor or
 * into texels that the next program reads; elsewhere on the host. Not differentiable.
 */

import { boundRows, type StoredRows } from "./bound_rows.ts";
import { EACH_ROW } from "./entry_points.ts";
import { laneShape, vectorSource, type VectorWidth, vectorWidth } from "./lanes.ts";
import { storedMatrix } from "./matmul_problem.ts";
import { type PackedRows, unpackValues } from "./packed_matrix.ts";
import { readerSource } from "./packed_source.ts";
import { allocate, type Binding, runProgram } from "./program.ts";
import { type ScratchTexels, scratchTexels } from "./texels.ts";
import { tf } from "./tf.ts";
import code from "./unpack.wgsl" with { type: "text" };

/**
 * Rows of a packed matrix in float32, [count, columns].
 *
 * @param first Default 0.
 * @param count Default: all that follow.
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED.
 */
export function unpackRows(
  matrix: PackedRows,
  first: number = 0,
  count: number = matrix.shape[0] - first,
): tf.Tensor2D {
  const columns = matrix.shape[1];
  if (tf.getBackend() !== "webgpu") {
    return tf.tidy(() => {
      const words = tf.slice(matrix.rowsOf, [first, 0], [count, -1]).dataSync<"int32">();
      return tf.tensor2d(unpackValues(words, matrix.format), [count, columns]);
    });
  }
  const y = allocate([count, columns], "float32", "unpacked weights");
  const { start, stride, ...stored } = storedMatrix(matrix);
  const rows = { ...stored, stride, start: start + first * stride };
  unpack({ ...rows, height: count, length: columns }, vectorWidth(columns), y);
  return y as tf.Tensor2D;
}

/** Unpacks rows whose places and lengths are multiples of 4 into scratch texels. */
export function unpackTexels(rows: StoredRows, slot: number): ScratchTexels {
  const texels = scratchTexels(rows.length / 4, rows.height, slot);
  unpack(rows, 4, texels);
  return texels;
}

function unpack(rows: StoredRows, width: VectorWidth, target: Binding | ScratchTexels): void {
  const { input, start } = boundRows(rows);
  const { height, length, stride, format } = rows;
  const kind = "scratch" in target ? "texels" : "rows";
  const source = [EACH_ROW, readerSource("x", 0, format, width), TARGETS[kind], code].join("\n");
  runProgram({
    ...vectorSource(`unpack/${format}/${kind}`, source, width),
    label: "unpacked weights",
    constants: { lanes: laneShape().lanes },
    inputs: [input],
    inPlace: [target],
    uniforms: [height, length / width, start, stride],
    workgroups: height,
  });
}

const TARGETS = {
  rows: `@group(0) @binding(1) var<storage, read_write> y: array<V>;
fn store(row: u32, column: u32, v: V) { y[row * params.length + column] = v; }`,
  texels: `@group(0) @binding(1) var y: texture_storage_2d<rgba32float, write>;
fn store(row: u32, column: u32, v: V) { textureStore(y, vec2<u32>(column, row), v); }`,
} as const;
