/** Lets one piece of work go at a time, in the order of arrival, and so many wait and no more. */

import { overloaded } from "./api_error.ts";

/** A place in the line; leaving it lets the next one go. */
export interface Place extends Disposable {
  /** Waits for one's turn. @throws The signal's reason. */
  turn(signal: AbortSignal): Promise<void>;
}

/** A line of limited length. */
export class WaitingLine {
  readonly #limit: number;
  #last: Promise<void> = Promise.resolve();
  #count = 0;

  /** @param limit How many may wait beside the one that goes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes the last place. @throws {ApiError} 503 where the line is full. */
  enter(): Place {
    if (this.#count > this.#limit) throw overloaded(this.#limit);
    this.#count++;
    const ahead = this.#last;
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    this.#last = ahead.then(() => left);
    let isThere = true;
    return {
      turn: (signal) => unlessAborted(ahead, signal),
      [Symbol.dispose]: () => {
        if (isThere) this.#count--;
        isThere = false;
        leave();
      },
    };
  }
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const hear = () => reject(signal.reason);
  signal.addEventListener("abort", hear, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", hear);
  }
}
