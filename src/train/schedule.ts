/** Learning-rate schedules, with the formulas of transformers' get_scheduler. No tensors here. */

/** The shape of the learning rate after warmup. */
export type ScheduleType = "cosine" | "linear" | "inverse_sqrt" | "constant";

/** A schedule's shape and lengths, in optimizer steps. */
export interface Schedule {
  /** Shape after warmup. */
  type: ScheduleType;
  /** Steps of linear warmup from 0; the first step of a warmup has factor 0, as in transformers. */
  warmupSteps: number;
  /** Steps of the whole training. */
  totalSteps: number;
}

/** inverse_sqrt without warmup starts to fall from this many steps. */
const INVERSE_SQRT_TIMESCALE = 10_000;

/**
 * Gives the factor on the learning rate of one optimizer step.
 *
 * @param step Optimizer steps done before this one, from 0.
 * @returns In [0, 1].
 */
export function scheduleFactor(schedule: Schedule, step: number): number {
  const { type, warmupSteps, totalSteps } = schedule;
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  const decaySteps = Math.max(1, totalSteps - warmupSteps);
  switch (type) {
    case "constant":
      return 1;
    case "linear":
      return Math.max(0, (totalSteps - step) / decaySteps);
    case "cosine": {
      const progress = (step - warmupSteps) / decaySteps;
      return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
    }
    case "inverse_sqrt": {
      const timescale = warmupSteps || INVERSE_SQRT_TIMESCALE;
      return 1 / Math.sqrt((step + timescale - warmupSteps) / timescale);
    }
  }
}

/**
 * Gives the number of warmup steps: `warmupSteps` where it is above 0, else `warmupRatio` of the
 * whole, rounded up.
 */
export function warmupStepsOf(
  options: { warmupSteps: number; warmupRatio: number },
  totalSteps: number,
): number {
  return options.warmupSteps > 0
    ? options.warmupSteps
    : Math.ceil(totalSteps * options.warmupRatio);
}
