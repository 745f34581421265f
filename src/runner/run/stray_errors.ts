/**
 * What a stage can leave astray: a promise that rejects with nobody waiting for it, an error in a
 * timer or a callback, a wait for what can never come. Each would end the process at once, the
 * last even without a word; here they fail the stage, so that the run ends as any failed one. (A
 * program that awaits the run at its top level is ended by Deno itself where it waits in vain.)
 */

import { stageStuck } from "./run_errors.ts";

/**
 * Does a stage's work, and rejects as soon as something strays.
 *
 * @throws What the work throws, or what strayed; StageError STUCK where the work waits and nothing
 * is left in the process that it could wait for.
 */
export async function failOnStrays<T>(stageId: string, work: () => Promise<T>): Promise<T> {
  const { promise: strayed, reject } = Promise.withResolvers<never>();
  // The race below may be over before anything strays, or never begin.
  strayed.catch(() => {});
  using _listeners = listen({
    unhandledrejection: (event) => reject((event as PromiseRejectionEvent).reason),
    error: (event) => reject((event as ErrorEvent).error),
    beforeunload: () => reject(stageStuck(stageId)),
  });
  return await Promise.race([work(), strayed]);
}

/** Listens to events of the process and keeps each from having its usual effect: the end. */
function listen(heard: Readonly<Record<string, (event: Event) => void>>): Disposable {
  const listeners = Object.entries(heard).map(([type, hear]) => {
    const listener = (event: Event): void => {
      event.preventDefault();
      hear(event);
    };
    globalThis.addEventListener(type, listener);
    return [type, listener] as const;
  });
  return {
    [Symbol.dispose](): void {
      for (const [type, listener] of listeners) globalThis.removeEventListener(type, listener);
    },
  };
}
