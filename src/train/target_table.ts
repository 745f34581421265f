/**
 * Collects a micro-batch's targets while its pairs are laid out, and which figures each counts in.
 *
 * Figures are numbered as `PairBatch.shares` says: of pair i, a is i, b is B + i and the NLL's sum
 * 2B + i.
 */

import type { Shares } from "../ops/weighted_sums.ts";
import { sizeClass } from "../tensor/size_class.ts";

/** The targets of a batch of B pairs. */
export class TargetTable {
  readonly #rows: number[] = [];
  readonly #targets: number[] = [];
  readonly #inputs: number[] = [];
  readonly #outputs: number[] = [];
  readonly #weights: number[] = [];

  /** Adds a target: the token that hidden row `row` should predict. */
  add(row: number, token: number): void {
    this.#rows.push(row);
    this.#targets.push(token);
  }

  /** Counts the target added last in a figure, times `weight`. */
  count(figure: number, weight: number): void {
    this.#inputs.push(this.#rows.length - 1);
    this.#outputs.push(figure);
    this.#weights.push(weight);
  }

  /**
   * Gives the arrays, padded to size classes, so that the device's buffers are of few sizes:
   * targets with row 0 and token 0, shares with the first one's places and weight 0.
   */
  finish(): { rows: Int32Array; targets: Int32Array; shares: Shares } {
    const M = sizeClass(this.#rows.length);
    const E = sizeClass(this.#inputs.length);
    const weights = new Float32Array(E);
    weights.set(this.#weights);
    return {
      rows: padded(this.#rows, M, 0),
      targets: padded(this.#targets, M, 0),
      shares: {
        inputs: padded(this.#inputs, E, this.#inputs[0]!),
        outputs: padded(this.#outputs, E, this.#outputs[0]!),
        weights,
      },
    };
  }
}

function padded(values: readonly number[], size: number, filler: number): Int32Array {
  const array = new Int32Array(size).fill(filler);
  array.set(values);
  return array;
}
