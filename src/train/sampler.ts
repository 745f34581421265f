/**
 * The order in which pairs are trained on: epochs of shuffled indices, cut into windows of one
 * optimizer step each. Its position is small and can be saved; going on from it gives the same
 * windows.
 */

import { Rng, type RngState } from "../base/rng.ts";

/** Where in the data a training is. */
export interface DataPosition {
  /** Whole epochs done, from 0. */
  epoch: number;
  /** Pairs of the current epoch done. */
  offset: number;
  /** The generator's state before the current epoch was shuffled. */
  rng: RngState;
}

/** Hands out windows of pair indices. */
export class WindowSampler {
  #position: DataPosition;
  #order: number[];
  #nextRng: RngState;

  /**
   * Starts an order, or goes on with one.
   *
   * @param count Pairs in an epoch, >= 1.
   * @param windowSize Pairs an optimizer step; the last window of an epoch may have fewer.
   * @param shuffle False: every epoch goes through the pairs in their order.
   * @param start A seed, or a position to go on from.
   */
  constructor(
    readonly count: number,
    readonly windowSize: number,
    readonly shuffle: boolean,
    start: string | DataPosition,
  ) {
    this.#position = typeof start === "string"
      ? { epoch: 0, offset: 0, rng: Rng.fromSeed(start).state() }
      : { ...start };
    [this.#order, this.#nextRng] = this.#shuffled(this.#position.rng);
  }

  /** Optimizer steps in an epoch. */
  get stepsPerEpoch(): number {
    return Math.ceil(this.count / this.windowSize);
  }

  /** Where the next window starts. */
  get position(): DataPosition {
    return { ...this.#position };
  }

  /** Epochs done, with the fraction of the current one. */
  get epochs(): number {
    return this.#position.epoch + this.#position.offset / this.count;
  }

  /** Gives the indices of the next optimizer step; does not move on. */
  window(): number[] {
    const { offset } = this.#position;
    return this.#order.slice(offset, offset + this.windowSize);
  }

  /** Moves past the current window. */
  advance(): void {
    const offset = Math.min(this.#position.offset + this.windowSize, this.count);
    if (offset < this.count) {
      this.#position.offset = offset;
      return;
    }
    this.#position = { epoch: this.#position.epoch + 1, offset: 0, rng: this.#nextRng };
    [this.#order, this.#nextRng] = this.#shuffled(this.#nextRng);
  }

  #shuffled(state: RngState): [number[], RngState] {
    const order = Array.from({ length: this.count }, (_, i) => i);
    const rng = Rng.fromState(state);
    if (this.shuffle) rng.shuffle(order);
    return [order, rng.state()];
  }
}
