/**
 * Products with a packed matrix in stock tfjs: run by run of its rows, each unpacked for its own
 * product alone, so that no float copy of the whole matrix exists. What wasm and cpu run.
 */

import type { MatMulOptions } from "./matmul_problem.ts";
import { stockMatMul } from "./matmul_stock.ts";
import type { PackedMatrix } from "./packed_matrix.ts";
import { tf } from "./tf.ts";
import { unpackRows } from "./unpack.ts";

/** Values unpacked at a time: 8 MiB. */
const MOST_UNPACKED = 2 ** 21;

/** a [M, K] times b [K, N] (after transposition) -> [M, N]. */
export function stockPackedMatMul(
  a: tf.Tensor2D,
  b: PackedMatrix,
  { transposeA = false, transposeB = false }: MatMulOptions,
): tf.Tensor2D {
  const [rows, columns] = b.shape;
  const size = Math.max(1, Math.floor(MOST_UNPACKED / columns));
  return tf.tidy(() => {
    const left = transposeA ? tf.transpose(a) : a;
    const parts: tf.Tensor2D[] = [];
    for (let start = 0; start < rows; start += size) {
      const count = Math.min(size, rows - start);
      parts.push(tf.tidy(() => {
        const right = unpackRows(b, start, count);
        if (transposeB) return stockMatMul(left, right, { transposeB });
        return stockMatMul(tf.slice(left, [0, start], [-1, count]), right);
      }));
    }
    if (parts.length === 1) return parts[0]!;
    return transposeB ? tf.concat(parts, 1) : tf.addN(parts);
  });
}
