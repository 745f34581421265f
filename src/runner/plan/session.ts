/** What the parts of a running pipeline share. */

import { eventLine } from "../run/event_log.ts";
import type { EventSink, RunEvent } from "../events.ts";
import type { Planning } from "./decide.ts";
import type { RunOptions } from "../run/run.ts";
import type { RunDir } from "../run/run_dir.ts";

/** A run in progress. */
export class RunSession {
  /** The pipeline, the store and what is known of both. */
  readonly planning: Planning;
  /** The run's directory. */
  readonly run: RunDir;
  /** Aborts when the user wants the run to stop. */
  readonly signal: AbortSignal;
  /** Whether stages are asked where their time goes. */
  readonly profile: boolean;
  readonly #sink: EventSink;

  /** Ties a run's directory to who listens. */
  constructor(
    planning: Planning,
    run: RunDir,
    { signal, sink, profile = false }: Pick<RunOptions, "signal" | "sink" | "profile">,
  ) {
    this.planning = planning;
    this.run = run;
    this.signal = signal;
    this.profile = profile;
    this.#sink = sink;
  }

  /** Writes an event down and passes it on. */
  emit(event: RunEvent): void {
    this.run.events.append(eventLine(event));
    this.#sink(event);
  }
}
