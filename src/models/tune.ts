/** Asks the tuner for the matrix products of a model, before they are first computed. */

import type { ProductShape } from "../tensor/matmul_candidates.ts";
import { tuneFor, type TuningReport } from "../tensor/tuner.ts";
import type { CausalLM } from "./model.ts";

/**
 * Makes sure that the current adapter's ways to multiply are timed for a model; a second or two at
 * first use of an adapter, then nothing. Does nothing off webgpu.
 *
 * @param rowCounts Numbers of rows that will go through the model at a time.
 */
export async function tuneModel(
  model: CausalLM,
  rowCounts: readonly number[],
): Promise<TuningReport> {
  return await tuneFor(rowCounts.flatMap((rows) => productShapes(model, rows)));
}

/** Matrices whose rows are looked up by position, and never multiplied. */
const LOOKED_UP = /(?:^|\.)(?:wpe|embed_positions)\.weight$/;

/**
 * The products of linear layers and the head on `rows` rows: forward, and both gradients. Of a
 * weight stored [in, out] they are the same three.
 */
function productShapes(model: CausalLM, rows: number): ProductShape[] {
  const weights = [...model.parameters, ...model.packed ?? []];
  const multiplied = weights.filter(([name, { shape }]) =>
    shape.length === 2 && !LOOKED_UP.test(name)
  );
  return multiplied.flatMap(([, { shape }]) => {
    const [outer, inner] = shape as readonly [number, number];
    return [
      { rows, inner, columns: outer },
      { rows, inner: outer, columns: inner },
      { rows: outer, inner: rows, columns: inner },
    ];
  });
}
