/**
 * segmentSum: y[s] = Σ over i with segments[i] = s of x[i]
 *
 *     x [M, C]   segments [M] in [0, S)   y [S, C]
 *
 * The gradient of a gather. Adds the rows of a segment in a binary tree, in an order that depends
 * on `segments` alone, so that results repeat bit by bit; scatter-adds on a GPU (and tfjs's own
 * gradient of gather) add floats atomically, in any order. Not differentiable itself.
 *
 * Every level of the tree is x[left] + x[right]; a segment of one row adds a row of zeros.
 * Reference: tf.scatterND with the same indices.
 */

import { sizeClass } from "../tensor/size_class.ts";
import { tf } from "../tensor/tf.ts";

/** Adds up the rows of each segment; segments without rows are zero. */
export function segmentSum(x: tf.Tensor2D, segments: Int32Array, count: number): tf.Tensor2D {
  const { ids, levels } = planTree(segments);
  return tf.tidy(() => {
    const width = x.shape[1];
    let rows: tf.Tensor2D = x;
    for (const { left, right } of levels) {
      const padded = tf.concat([rows, tf.zeros([1, width])]) as tf.Tensor2D;
      rows = tf.add(gatherRows(padded, left), gatherRows(padded, right));
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

function gatherRows(x: tf.Tensor2D, rows: Int32Array): tf.Tensor2D {
  return tf.gather(x, tf.tensor1d(rows, "int32"));
}
