/** Cuts a tensor that outgrows a binding into ranges that each fit one. */

import { maxTensorBytes } from "./limits.ts";
import { rangeAlignment } from "./program.ts";

/** A run of rows. */
export interface RowRange {
  /** Its first row. */
  readonly start: number;
  readonly count: number;
}

/**
 * Cuts `rows` rows of `width` elements into runs that a binding holds and may start at.
 *
 * @param most Rows a run may have at most; raised to what alignment asks. Default: no limit.
 */
export function rowRanges(rows: number, width: number, most: number = Infinity): RowRange[] {
  const step = alignedRows(width);
  const fitting = Math.min(Math.floor(maxTensorBytes() / (4 * width)), most);
  const size = Math.max(step, Math.floor(fitting / step) * step);
  const ranges: RowRange[] = [];
  for (let start = 0; start < rows; start += size) {
    ranges.push({ start, count: Math.min(size, rows - start) });
  }
  return ranges;
}

/** The fewest rows whose elements are a multiple of what a range may start at. */
export function alignedRows(width: number): number {
  const alignment = rangeAlignment();
  return alignment / greatestCommonDivisor(width, alignment);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
