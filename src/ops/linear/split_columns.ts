/**
 * splitColumns: the products of several linear layers out of that of their joined weights
 *
 *     x [N, ΣD_i]   y_i [N, D_i]      dX is the dY_i side by side
 *
 * Saves nothing. Stock operations everywhere.
 */

import { tf } from "../../tensor/tf.ts";

/** Cuts the columns of `x` into runs of these widths. */
export function splitColumns<Widths extends readonly number[]>(
  x: tf.Tensor2D,
  widths: Widths,
): { -readonly [I in keyof Widths]: tf.Tensor2D } {
  const parts: tf.Tensor2D[] = tf.split(x, [...widths], 1);
  return parts as unknown as { -readonly [I in keyof Widths]: tf.Tensor2D };
}
