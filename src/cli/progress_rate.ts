/** How fast a stage goes and how long it still takes, from what it reports. */

import type { Progress } from "../runner/contract.ts";

const WINDOW_MS = 30_000;

/**
 * Watches one stage's count. The rate is of the last 30 seconds, so that a slow start, or work
 * taken over from a checkpoint, does not distort it.
 */
export class ProgressRate {
  readonly #samples: { timeMs: number; done: number }[] = [];

  /** Takes note of a report. */
  add(progress: Progress, timeMs: number): void {
    const samples = this.#samples;
    if (samples.length > 0 && progress.done < samples.at(-1)!.done) samples.length = 0;
    samples.push({ timeMs, done: progress.done });
    while (samples.length > 2 && timeMs - samples[1]!.timeMs >= WINDOW_MS) samples.shift();
    if (samples.length > 1000) samples.splice(1, samples.length >> 1);
  }

  /** Units a second; undefined before two reports are some way apart. */
  perSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.timeMs - first.timeMs < 200 || last.done === first.done) {
      return undefined;
    }
    return (last.done - first.done) / (last.timeMs - first.timeMs) * 1000;
  }

  /** Milliseconds to the end at this rate; undefined without a rate, a total, or anything left. */
  leftMs(progress: Progress): number | undefined {
    const rate = this.perSecond();
    if (rate === undefined || progress.total === undefined) return undefined;
    const left = progress.total - progress.done;
    return left > 0 ? left / rate * 1000 : undefined;
  }
}
