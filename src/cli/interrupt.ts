/**
 * Ctrl-C and SIGTERM: the first asks the run to save and stop, the second Ctrl-C ends the process
 * at once.
 */

import { EXIT } from "./exit_code.ts";

/** What an interrupted run's signal carries as its reason. */
class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}

/** Listens for interrupts until disposed. */
export class Interrupts implements Disposable {
  readonly #controller = new AbortController();
  readonly #say: () => void;
  readonly #signals: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];

  /** @param say Tells the person who waits that the first interrupt was heard. */
  constructor(say: () => void) {
    this.#say = say;
    for (const signal of this.#signals) Deno.addSignalListener(signal, this.#listener);
  }

  /** Aborts at the first interrupt. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly #listener = (): void => {
    if (this.signal.aborted) Deno.exit(EXIT.interrupted);
    this.#say();
    this.#controller.abort(new InterruptedError("interrupted"));
  };

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const signal of this.#signals) Deno.removeSignalListener(signal, this.#listener);
  }
}
