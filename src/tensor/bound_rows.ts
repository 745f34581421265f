/** Binds no more of a tensor than the rows of a matrix that a program reads or writes. */

import type { StoredMatrix } from "./matmul_problem.ts";
import { BLOCK_LAYOUTS, wordsOf } from "./packed_format.ts";
import type { Binding } from "./program.ts";
import { alignedRows } from "./ranges.ts";

/** Rows of a stored matrix, each of `length` values. */
export interface StoredRows extends StoredMatrix {
  readonly height: number;
  readonly length: number;
}

/** Rows as a program is given them. */
export interface BoundRows {
  readonly input: Binding;
  /** Where they start in what is bound, in values. */
  readonly start: number;
}

/** The least range of a tensor that holds the rows and starts where a binding may. */
export function boundRows(
  { tensor, format, start, stride, height, length }: StoredRows,
): BoundRows {
  const block = BLOCK_LAYOUTS[format];
  const step = block.values * alignedRows(block.words);
  const from = Math.floor(start / step) * step;
  const bound = wordsOf(start + (height - 1) * stride + length - from, format);
  if (from === 0 && bound === tensor.size) return { input: tensor, start };
  const range = { tensor, start: wordsOf(from, format), length: bound };
  return { input: range, start: start - from };
}
