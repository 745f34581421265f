/** What the tuner times for matrix products: every way that may be worth it, on made-up operands. */

import { currentDevice } from "./device.ts";
import { storedMatrix } from "./matmul_problem.ts";
import { encodeMatMul } from "./matmul_run.ts";
import { paddedSize, variantsBySpeed } from "./matmul_variants.ts";
import { allocate } from "./program.ts";
import { tf } from "./tf.ts";
import type { TuningCandidate } from "./tuner.ts";

/** The sizes of a product of [rows, inner] and [inner, columns]. */
export interface ProductShape {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** Of larger shapes a part is timed: a few milliseconds' worth, enough tiles for every core. */
const MOST = {
  software: { rows: 256, inner: 576, columns: 768 },
  gpu: { rows: 1024, inner: 1024, columns: 4096 },
} as const;

/**
 * Products of the shape given, or of a part of it where that is large; y = x Wᵀ, since the other
 * layouts differ little on any adapter. Dispose when done.
 */
export function matMulCandidates(
  shape: ProductShape,
): { ways: TuningCandidate[]; dispose(): void } {
  const most = MOST[currentDevice().adapter?.software ? "software" : "gpu"];
  const rows = Math.min(shape.rows, most.rows);
  const inner = Math.min(shape.inner, most.inner);
  const columns = Math.min(shape.columns, most.columns);
  const x = tf.keep(tf.fill([rows, inner], 0.5) as tf.Tensor2D);
  const weight = tf.keep(tf.fill([columns, inner], 0.5) as tf.Tensor2D);
  const y = tf.keep(allocate([rows, columns], "float32", "a matrix product") as tf.Tensor2D);
  const problem = {
    rows,
    inner,
    columns,
    a: { ...storedMatrix(x), along: "inner" },
    b: { ...storedMatrix(weight), along: "inner" },
  } as const;
  const ways = variantsBySpeed().map((variant) => ({
    name: variant.name,
    work: paddedSize(variant, problem) * inner,
    run: () => encodeMatMul(problem, variant, storedMatrix(y), false),
  }));
  return { ways, dispose: () => tf.dispose([x, weight, y]) };
}
