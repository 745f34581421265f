/** Tries again what may succeed the next time, with longer and longer waits. */

import { setTimeout as wait } from "node:timers/promises";

/** A failure that may pass: a cut connection, a busy or restarting server. */
export class Transient extends Error {
  /** The host that failed. */
  readonly host: string;
  /** How long the server asks to wait; 0 where it says nothing. */
  readonly retryAfterMs: number;

  /** @param reason Follows "Cannot get an answer from host: ". */
  constructor(host: string, reason: string, retryAfterMs = 0, cause?: unknown) {
    super(reason, { cause });
    this.host = host;
    this.retryAfterMs = retryAfterMs;
  }
}

/** How often and how patiently something is tried. */
export interface RetryPolicy {
  /** At least 1. */
  readonly attempts: number;
  /** Before the second attempt; doubled for each after it. */
  readonly retryDelayMs: number;
  /** Ends the waiting with its reason. */
  readonly signal: AbortSignal;
}

/** No wait is longer, whatever a server asks for. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Awaits `attempt` until it does not throw a `Transient`.
 *
 * @param progress Grows when an attempt got on: failures before that do not count any more.
 * @param giveUp Makes the error once all attempts have failed.
 */
export async function withRetries<T>(
  { attempts, retryDelayMs, signal }: RetryPolicy,
  attempt: () => Promise<T>,
  giveUp: (last: Transient, attempts: number) => Error,
  progress: () => number = () => 0,
): Promise<T> {
  let reached = progress();
  for (let failures = 1;; failures++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Transient)) throw error;
      if (progress() > reached) failures = 1;
      reached = Math.max(reached, progress());
      if (failures >= attempts) throw giveUp(error, attempts);
      const ms = Math.max(retryDelayMs * 2 ** (failures - 1), error.retryAfterMs);
      await wait(Math.min(ms, LONGEST_WAIT_MS), undefined, { signal })
        .catch(() => signal.throwIfAborted());
    }
  }
}
