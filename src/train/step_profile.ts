/**
 * Profiles a few optimizer steps of a training: not the first ones, which compile kernels, and not
 * all, for a profiled step takes longer. Evaluations and checkpoints are left out.
 *
 * Invariant: the training computes the same bits with and without it.
 */

import { type Profile, Profiler } from "../tensor/profile.ts";

/** Steps that are let pass, where enough follow. */
const WARM_UP_STEPS = 2;
/** Steps that are profiled. */
const PROFILED_STEPS = 3;

/** The profile of some optimizer steps. */
export interface TrainingProfile extends Profile {
  /** The first step profiled, counted from 1. */
  readonly firstStep: number;
  /** How many were. */
  readonly steps: number;
}

/** Watches a training's optimizer steps and profiles those that it chose. */
export class StepProfile {
  readonly #profiler = new Profiler();
  readonly #first: number;
  readonly #last: number;
  #steps = 0;

  /**
   * Chooses the steps.
   *
   * @param done Optimizer steps done before.
   * @param total Optimizer steps there will be.
   */
  constructor(done: number, total: number) {
    const left = Math.max(0, total - done);
    this.#first = done + 1 + Math.min(WARM_UP_STEPS, Math.max(0, left - PROFILED_STEPS));
    this.#last = Math.min(total, this.#first + PROFILED_STEPS - 1);
  }

  /** Makes a step, profiled if it is one of those chosen. */
  async around(step: number, work: () => Promise<void>): Promise<void> {
    if (step < this.#first || step > this.#last) return await work();
    await this.#profiler.start();
    try {
      await work();
      this.#steps++;
    } finally {
      await this.#profiler.stop();
    }
  }

  /** What was seen; undefined where the training had no step left to make. */
  result(): TrainingProfile | undefined {
    if (this.#steps === 0) return undefined;
    return { firstStep: this.#first, steps: this.#steps, ...this.#profiler.profile() };
  }

  /** Frees what the profiling holds on the device. */
  dispose(): void {
    this.#profiler.dispose();
  }
}
