/** A run as plain lines, for logs and pipes: at most one progress line a stage every ten seconds. */

import type { RunEvent } from "../runner/events.ts";
import type { Progress } from "../runner/contract.ts";
import { withOwnCommands } from "./invocation.ts";
import type { ProgressScreen, ProgressView } from "./progress.ts";
import { ProgressRate } from "./progress_rate.ts";
import { formatCount, formatDuration, formatRate } from "./quantity.ts";

const INTERVAL_MS = 10_000;

/** Draws events as lines. */
export class ProgressLines implements ProgressView {
  readonly #screen: ProgressScreen;
  #stage = { id: "", label: "", lastLineMs: 0, rate: new ProgressRate() };

  constructor(screen: ProgressScreen) {
    this.#screen = screen;
  }

  /** Draws one event. */
  readonly sink = (event: RunEvent): void => {
    const now = this.#screen.now();
    switch (event.type) {
      case "stage-start": {
        const label = stageLabel(event);
        this.#stage = { id: event.stageId, label, lastLineMs: now, rate: new ProgressRate() };
        return this.#line(`${label} started (${event.reason})`);
      }
      case "stage-reused":
        return this.#line(`${stageLabel(event)} reused`);
      case "progress":
        return this.#progress(event.progress, now);
      case "log":
        return this.#line(logLine(event));
      case "stage-end":
        return this.#end(event.stageId, `done in ${formatDuration(event.elapsedMs)}`);
      case "stage-failed":
        return this.#end(event.stageId, `stopped after ${formatDuration(event.elapsedMs)}`);
    }
  };

  /** Nothing to take back: lines stay. */
  [Symbol.dispose](): void {}

  #progress(progress: Progress, now: number): void {
    const stage = this.#stage;
    stage.rate.add(progress, now);
    if (now - stage.lastLineMs < INTERVAL_MS) return;
    stage.lastLineMs = now;
    this.#line(`${stage.label} ${progressParts(progress, stage.rate).join(", ")}`);
  }

  /** A stage that fails before it starts has no label yet. */
  #end(stageId: string, text: string): void {
    this.#line(`${this.#stage.id === stageId ? this.#stage.label : stageId} ${text}`);
  }

  #line(text: string): void {
    this.#screen.write(text + "\n");
  }
}

/** "[2/7] ingest". */
export function stageLabel(event: { index: number; count: number; stageId: string }): string {
  return `[${event.index + 1}/${event.count}] ${event.stageId}`;
}

/** A log event as a line: "ingest: message", warnings marked. */
export function logLine(event: RunEvent & { type: "log" }): string {
  const from = event.stageId === undefined ? "" : `${event.stageId}: `;
  const mark = event.level === "warn" ? "warning: " : "";
  return withOwnCommands(`${mark}${from}${event.message}`);
}

/** Count, rate, time left and the stage's note; what is not known is left out. */
export function progressParts(progress: Progress, rate: ProgressRate): string[] {
  const { unit, done, total, note } = progress;
  const perSecond = rate.perSecond();
  const leftMs = rate.leftMs(progress);
  return [
    `${formatCount(done)}${total === undefined ? "" : `/${formatCount(total)}`} ${unit}`,
    perSecond === undefined ? "" : formatRate(perSecond, unit),
    leftMs === undefined ? "" : `${formatDuration(leftMs)} left`,
    note ?? "",
  ].filter((part) => part !== "");
}
