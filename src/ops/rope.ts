/**
 * rope: rotary position embedding, in the half-split layout of Hugging Face checkpoints
 *
 *     x [B, T, H, D] = (x₁, x₂) along D      cos, sin [B or 1, T, 1, D / 2]
 *     y = (x₁ cos - x₂ sin,  x₂ cos + x₁ sin)
 *     dX is dY rotated back: the same with -sin
 *
 * Saves the table, nothing of x. (Su et al. 2021, eq. 34.) `ropeAt` is the same on a flat stream
 * of tokens, each with a position of its own: on webgpu one program each way (rope.wgsl), its
 * reference `stockRopeAt`. A table of fewer angles than D / 2 rotates the first of a head's values,
 * twice as many as it has angles, and leaves the rest.
 */

import { EACH_ELEMENT } from "../tensor/entry_points.ts";
import { withGradient } from "../tensor/gradient.ts";
import { usesFused } from "../tensor/kernels.ts";
import { laneShape, vectorSource, vectorWidth } from "../tensor/lanes.ts";
import { floatBits, runProgram } from "../tensor/program.ts";
import { tf } from "../tensor/tf.ts";
import ropeCode from "./rope.wgsl" with { type: "text" };

/** The angles' cosines and sines; a batch dimension of 1 is shared by all sequences. */
export interface RopeTable {
  readonly cos: tf.Tensor4D;
  readonly sin: tf.Tensor4D;
}

/** Rotates every head by its position's angles. */
export function rope(x: tf.Tensor4D, { cos, sin }: RopeTable): tf.Tensor4D {
  return withGradient<tf.Tensor4D>(
    [x],
    (save) => {
      save([cos, sin]);
      return rotate(x, cos, sin);
    },
    (dY, saved) => {
      const [cos, sin] = saved as [tf.Tensor4D, tf.Tensor4D];
      return [rotate(dY, cos, tf.neg(sin))];
    },
  );
}

/**
 * Rotates every head of each token by the angles of the token's position.
 *
 * @param x [N, H, D].
 * @param table The angles of positions 0..P-1: [1, P, 1, R / 2], R <= D.
 * @param positions [N] int32, below P.
 */
export function ropeAt(x: tf.Tensor3D, table: RopeTable, positions: tf.Tensor1D): tf.Tensor3D {
  if (!usesFused()) return stockRopeAt(x, table, positions);
  const { cos, sin } = table;
  return withGradient<tf.Tensor3D>(
    [x],
    (save) => {
      save([cos, sin, positions]);
      return rotateAt(x, cos, sin, positions, 1);
    },
    (dY, saved) => {
      const [cos, sin, positions] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      return [rotateAt(dY, cos, sin, positions, -1)];
    },
  );
}

/** The same in tfjs's operations. */
export function stockRopeAt(
  x: tf.Tensor3D,
  { cos, sin }: RopeTable,
  positions: tf.Tensor1D,
): tf.Tensor3D {
  const [N, H, D] = x.shape;
  const [, P, , half] = cos.shape;
  const take = (angles: tf.Tensor4D): tf.Tensor4D =>
    tf.reshape(tf.gather(tf.reshape(angles, [P, half]), positions), [N, 1, 1, half]);
  const table = { cos: take(cos), sin: take(sin) };
  const rotated = (x: tf.Tensor3D): tf.Tensor3D =>
    tf.reshape(rope(tf.reshape(x, [N, 1, H, 2 * half]), table), [N, H, 2 * half]);
  if (2 * half === D) return rotated(x);
  const [turned, left] = tf.split(x, [2 * half, D - 2 * half], 2) as [tf.Tensor3D, tf.Tensor3D];
  return tf.concat([rotated(turned), left], 2);
}

function rotate(x: tf.Tensor4D, cos: tf.Tensor4D, sin: tf.Tensor4D): tf.Tensor4D {
  const [x1, x2] = tf.split(x, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
  return tf.concat([
    tf.sub(tf.mul(x1, cos), tf.mul(x2, sin)),
    tf.add(tf.mul(x2, cos), tf.mul(x1, sin)),
  ], 3) as tf.Tensor4D;
}

function rotateAt(
  x: tf.Tensor3D,
  cos: tf.Tensor,
  sin: tf.Tensor,
  positions: tf.Tensor,
  direction: 1 | -1,
): tf.Tensor3D {
  const [N, H, D] = x.shape;
  const half = cos.shape[3]!;
  const rest = D - 2 * half;
  const { lanes, perLane } = laneShape();
  const width = vectorWidth(half, rest);
  const count = N * H * (half + rest) / width;
  const [y] = runProgram({
    ...vectorSource("rope", EACH_ELEMENT + ropeCode, width),
    label: "rope",
    constants: { lanes, perLane, heads: H, half: half / width, rest: rest / width },
    inputs: [x, cos, sin, positions],
    outputs: [{ shape: x.shape }],
    uniforms: [count, floatBits(direction)],
    workgroups: Math.ceil(count / (lanes * perLane)),
  });
  return y as tf.Tensor3D;
}
