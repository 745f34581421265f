/**
 * globalNorm: y = sqrt(Σ over tensors Σ x²), a scalar
 *
 * On webgpu every block of every tensor is summed into one place of a row of partial sums, and
 * those in blocks again until one is left (global_norm.wgsl): always in the same order, and
 * nothing is read back. Reference: `reference`. Not differentiable.
 */

import { usesFused } from "../../tensor/kernels.ts";
import { laneShape, laneSum, vectorSource, vectorWidth } from "../../tensor/lanes.ts";
import { allocate, type Binding, runProgram } from "../../tensor/program.ts";
import { rowRanges } from "../../tensor/ranges.ts";
import { tf } from "../../tensor/tf.ts";
import code from "./global_norm.wgsl" with { type: "text" };

/** Vectors a lane adds, as a multiple of what it takes in an elementwise program. */
const LONGER = 8;

/** Gives the root of the sum of squares over all of the tensors (at least one). */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (!usesFused()) return reference(tensors);
  return tf.tidy(() => {
    let sums = sumBlocks(tensors, { squared: true });
    while (blocksOf(sums.size) > 1) sums = sumBlocks([sums], {});
    return tf.reshape(sumBlocks([sums], { rooted: true }), []) as tf.Scalar;
  });
}

/** The same in tfjs's operations. */
function reference(tensors: readonly tf.Tensor[]): tf.Scalar {
  return tf.tidy(() => {
    // By rows first: wasm adds one element after the other, and a long sum swallows small ones.
    const rows = tensors.map((x) => (x.rank === 0 ? x.as1D() : x).square().sum(-1));
    return tf.stack(rows.map((sums) => sums.sum())).sum<tf.Scalar>().sqrt<tf.Scalar>();
  });
}

/** What one pass does to what it adds, and to the sums. */
interface Pass {
  squared?: boolean;
  rooted?: boolean;
}

function sumBlocks(tensors: readonly tf.Tensor[], { squared = false, rooted = false }: Pass) {
  const parts = tensors.flatMap((tensor) =>
    rowRanges(tensor.size, 1).map(({ start, count }) => ({ tensor, start, length: count }))
  );
  const blocks = parts.reduce((sum, { length }) => sum + blocksOf(length), 0);
  const sums = allocate([blocks], "float32", "the global norm");
  const { lanes } = laneShape();
  let place = 0;
  for (const x of parts) {
    const width = vectorWidth(x.length);
    runProgram({
      ...vectorSource("global_norm", laneSum("f32") + code, width),
      label: "the global norm",
      constants: { lanes, perLane: vectorsPerLane(), squared: +squared, rooted: +rooted },
      inputs: [x satisfies Binding],
      inPlace: [sums],
      uniforms: [x.length / width, place],
      workgroups: blocksOf(x.length),
    });
    place += blocksOf(x.length);
  }
  return sums;
}

function vectorsPerLane(): number {
  return LONGER * laneShape().perLane;
}

/** Blocks of a run of elements. */
function blocksOf(elements: number): number {
  return Math.ceil(elements / vectorWidth(elements) / (laneShape().lanes * vectorsPerLane()));
}
