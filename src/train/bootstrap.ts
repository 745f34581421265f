/**
 * Confidence intervals by the bootstrap: how far a mean over held-out pairs would move with other
 * pairs of the same sort. Seeded, so that an evaluation gives the same interval every time.
 */

import { Rng } from "../base/rng.ts";

/** A percentile-bootstrap confidence interval of a mean. */
export interface Interval {
  /** Lower end. */
  low: number;
  /** Upper end. */
  high: number;
  /** Coverage asked for, e.g. 0.95. */
  level: number;
}

/** How `bootstrapMean` resamples. */
export interface BootstrapOptions {
  /** Seeds the resampling; equal seeds give equal intervals. */
  seed: string | number;
  /** Resamples drawn. Default 2000. */
  samples?: number;
  /** Coverage in (0, 1). Default 0.95. */
  level?: number;
}

/**
 * Gives the percentile-bootstrap interval of the mean of `values` [n] (Efron 1979): the mean of n
 * draws with replacement, `samples` times, cut at (1 - level) / 2 on either side.
 *
 * Values that are all equal give an interval of no width: the bootstrap cannot see what it never
 * drew. For a difference between two models pass the differences per pair, not two intervals.
 *
 * @throws {RangeError} if `values` is empty, `samples` below 1 or `level` not in (0, 1).
 */
export function bootstrapMean(values: readonly number[], options: BootstrapOptions): Interval {
  const { seed, samples = 2000, level = 0.95 } = options;
  if (values.length === 0) throw new RangeError("Cannot bootstrap: no values");
  if (!(samples >= 1)) throw new RangeError(`Cannot bootstrap: samples is ${samples}, needs >= 1`);
  if (!(level > 0 && level < 1)) {
    throw new RangeError(`Cannot bootstrap: level is ${level}, needs to be in (0, 1)`);
  }
  const rng = Rng.fromSeed(`bootstrap ${seed}`);
  const means = new Float64Array(samples);
  for (let sample = 0; sample < samples; sample++) {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[rng.int(values.length)]!;
    means[sample] = sum / values.length;
  }
  means.sort();
  return { low: quantile(means, (1 - level) / 2), high: quantile(means, (1 + level) / 2), level };
}

/** The q-quantile of sorted values [n], interpolated between neighbours; q in [0, 1]. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
}
