/**
 * The speeds measured on the current adapter, by which variants of a kernel are chosen. They are
 * measured by tuner.ts and kept on disk by tuning_file.ts; this is where choosers look.
 */

/** Speed by variant; only their ratios matter. */
export type Speeds = Readonly<Record<string, number>>;

/** Speeds by kind of kernel ("matmul") and class of problem ("NT/many"). */
export type Tuning = Readonly<Record<string, Readonly<Record<string, Speeds>>>>;

let current: Tuning = {};

/** What was measured for a class of problems on this adapter; undefined: nothing yet. */
export function measuredSpeeds(kind: string, problemClass: string): Speeds | undefined {
  return current[kind]?.[problemClass];
}

/** All that is known for the current adapter. */
export function currentTuning(): Tuning {
  return current;
}

/** Replaces what is known, for the adapter in use from now on. */
export function useTuning(tuning: Tuning): void {
  current = tuning;
}

/** `tuning` with the speeds of one class added or replaced. */
export function withSpeeds(
  tuning: Tuning,
  kind: string,
  problemClass: string,
  speeds: Speeds,
): Tuning {
  return { ...tuning, [kind]: { ...tuning[kind], [problemClass]: speeds } };
}
