/**
 * Thins a stage's progress reports to a few a second.
 *
 * Invariant: the first report, the last one before `finish`, and the last one of each unit always
 * come through; a report held back comes through when its time has passed.
 */

import type { Progress } from "../contract.ts";

const INTERVAL_MS = 250;

/** Passes on at most four progress reports a second. */
export class ProgressThrottle {
  readonly #emit: (progress: Progress) => void;
  #held: Progress | undefined;
  #lastUnit: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Reports go to `emit`. */
  constructor(emit: (progress: Progress) => void) {
    this.#emit = emit;
  }

  /** Takes a report, passes it on now or later, or drops it for a newer one. */
  report(progress: Progress): void {
    const unitChanged = progress.unit !== this.#lastUnit;
    if (unitChanged) this.finish();
    this.#lastUnit = progress.unit;
    this.#held = { ...progress };
    if (this.#timer === undefined) this.#pass();
  }

  /** Passes on what is held; call it when the stage ends, or the timer outlives it. */
  finish(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held;
    this.#held = undefined;
    if (held) this.#emit(held);
  }

  #pass(): void {
    this.#timer = undefined;
    const held = this.#held;
    if (!held) return;
    this.#held = undefined;
    this.#emit(held);
    this.#timer = setTimeout(() => this.#pass(), INTERVAL_MS);
  }
}
