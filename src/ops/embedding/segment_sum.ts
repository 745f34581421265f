/**
 * segmentSum: y[s] = Σ over i with segments[i] = s of x[i]
 *
 *     x [M, C]   segments [M] in [0, S)   y [S, C]
 *
 * The gradient of a gather. Adds the rows of a segment in an order that depends on `segments`
 * alone, so that results repeat bit by bit; scatter-adds on a GPU (and tfjs's own gradient of
 * gather) add floats atomically, in any order. Not differentiable itself.
 *
 * On webgpu the rows are sorted by segment on the host and every element of y has one owner, which
 * adds them one after the other (segment_sum.wgsl); y may outgrow a binding. Reference:
 * `reference`, a binary tree whose every level is x[left] + x[right].
 */

import { EACH_ROW } from "../../tensor/entry_points.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { laneShape, vectorSource, vectorWidth } from "../../tensor/lanes.ts";
import { allocate, runProgram } from "../../tensor/program.ts";
import { rowRanges } from "../../tensor/ranges.ts";
import { sizeClass } from "../../tensor/size_class.ts";
import { tf } from "../../tensor/tf.ts";
import code from "./segment_sum.wgsl" with { type: "text" };

/** Adds up the rows of each segment; segments without rows are zero. */
export function segmentSum(x: tf.Tensor2D, segments: Int32Array, count: number): tf.Tensor2D {
  if (!usesFused()) return reference(x, segments, count);
  return tf.tidy(() => {
    const { order, starts } = sortBySegment(segments, count);
    const rows = [x, tf.tensor1d(order, "int32"), tf.tensor1d(starts, "int32")];
    const C = x.shape[1];
    const width = vectorWidth(C);
    const y = allocate([count, C], "float32", "a sum of segments");
    for (const { start, count } of rowRanges(y.shape[0]!, C)) {
      runProgram({
        ...vectorSource("segment_sum", EACH_ROW + code, width),
        label: "a sum of segments",
        constants: { lanes: laneShape().lanes },
        inputs: rows,
        inPlace: [{ tensor: y, start: start * C, length: count * C }],
        uniforms: [count, C / width, start],
        workgroups: count,
      });
    }
    return y as tf.Tensor2D;
  });
}

/** Sorts rows stably: those of segment s are order[starts[s]] .. order[starts[s + 1] - 1]. */
function sortBySegment(
  segments: Int32Array,
  count: number,
): { order: Int32Array; starts: Int32Array } {
  const starts = new Int32Array(count + 1);
  for (const segment of segments) starts[segment + 1]!++;
  for (let s = 0; s < count; s++) starts[s + 1]! += starts[s]!;
  const next = starts.slice();
  const order = new Int32Array(segments.length);
  segments.forEach((segment, i) => order[next[segment]!++] = i);
  return { order, starts };
}

/** The same in tfjs's operations. */
function reference(x: tf.Tensor2D, segments: Int32Array, count: number): tf.Tensor2D {
  const { ids, levels } = planTree(segments);
  return tf.tidy(() => {
    const width = x.shape[1];
    let rows: tf.Tensor2D = x;
    for (const { left, right } of levels) {
      const padded = tf.concat([rows, tf.zeros([1, width])]) as tf.Tensor2D;
      rows = tf.add(gather(padded, left), gather(padded, right));
    }
    return tf.scatterND(tf.tensor2d(ids, [ids.length, 1], "int32"), rows, [count, width]);
  });
}

/** Rows to add, level by level; the row after the last is the row of zeros. */
interface Tree {
  /** [U] each row's segment after the last level; padding repeats the first with rows of zeros. */
  ids: Int32Array;
  levels: { left: Int32Array; right: Int32Array }[];
}

function planTree(segments: Int32Array): Tree {
  const bySegment = new Map<number, number[]>();
  segments.forEach((segment, i) => {
    const rows = bySegment.get(segment);
    if (rows) rows.push(i);
    else bySegment.set(segment, [i]);
  });
  const ids = [...bySegment.keys()];
  const levels: Tree["levels"] = [];
  let groups = [...bySegment.values()];
  let size = segments.length;
  do {
    const left: number[] = [];
    const right: number[] = [];
    groups = groups.map((rows) => {
      const next: number[] = [];
      for (let i = 0; i < rows.length; i += 2) {
        next.push(left.length);
        left.push(rows[i]!);
        right.push(rows[i + 1] ?? size);
      }
      return next;
    });
    const zero = size;
    size = sizeClass(left.length);
    levels.push({ left: pad(left, size, zero), right: pad(right, size, zero) });
  } while (groups.some((rows) => rows.length > 1));
  return { ids: pad(ids, size, ids[0] ?? 0), levels };
}

function pad(values: number[], size: number, filler: number): Int32Array {
  const padded = new Int32Array(size).fill(filler);
  padded.set(values);
  return padded;
}

function gather(x: tf.Tensor2D, rows: Int32Array): tf.Tensor2D {
  return tf.gather(x, tf.tensor1d(rows, "int32"));
}
