/**
 * Matrices in half precision, for weights that do not train: half the memory of float32. Products
 * unpack them on the way and add up in float32; they need no feature of the device.
 *
 * Layout: [rows, columns / 2] of int32, each the bits of two neighbours, the first in the low half.
 */

import { oddHalves } from "./errors.ts";
import type { MatrixRows } from "./matmul_problem.ts";
import { tf } from "./tf.ts";

/** A whole matrix of packed halves. */
export interface HalfMatrix extends MatrixRows {
  readonly rowsOf: tf.Tensor2D;
  readonly format: "f16";
}

/**
 * Packs values, rounded to the nearest half (ties to even); beyond 65,504 they become infinite.
 *
 * @param values Rows one after the other; a Float16Array is taken as it is.
 * @throws {OddsmithError} DeviceError ODD_HALVES where a row has an odd number of values.
 */
export function halfMatrix(
  values: Float32Array | Float16Array,
  shape: readonly [number, number],
): HalfMatrix {
  const [rows, columns] = shape;
  if (columns % 2 !== 0) throw oddHalves(shape);
  const halves = values instanceof Float16Array ? values : Float16Array.from(values);
  const words = new Int32Array(halves.slice().buffer);
  const rowsOf = tf.tensor2d(words, [rows, columns / 2], "int32");
  return { rowsOf, firstRow: 0, shape, format: "f16" };
}
