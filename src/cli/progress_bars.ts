/**
 * A run on a terminal: finished stages as lines, the running one as a bar redrawn in place at most
 * ten times a second. The bar takes one line whatever the terminal's width.
 */

import { bold, cyan, dim, green, red, yellow } from "@std/fmt/colors";
import type { RunEvent } from "../runner/events.ts";
import type { Progress } from "../runner/contract.ts";
import type { ProgressScreen, ProgressView } from "./progress.ts";
import { logLine, progressParts, stageLabel } from "./progress_lines.ts";
import { ProgressRate } from "./progress_rate.ts";
import { formatDuration } from "./quantity.ts";
import { fitText, textWidth } from "./table.ts";

const REDRAW_MS = 100;
const CLEAR_LINE = "\r\x1b[2K";
const LONGEST_BAR = 30;

interface RunningStage {
  readonly label: string;
  readonly reason: string;
  readonly startMs: number;
  readonly rate: ProgressRate;
  progress?: Progress;
}

/** Draws events as bars. */
export class ProgressBars implements ProgressView {
  readonly #screen: ProgressScreen;
  #running?: RunningStage;
  #drawnMs = -Infinity;

  constructor(screen: ProgressScreen) {
    this.#screen = screen;
  }

  /** Draws one event. */
  readonly sink = (event: RunEvent): void => {
    const now = this.#screen.now();
    switch (event.type) {
      case "stage-start":
        this.#running = {
          label: stageLabel(event),
          reason: event.reason,
          startMs: now,
          rate: new ProgressRate(),
        };
        return this.#draw(now);
      case "stage-reused":
        return this.#line(`${green("=")} ${stageLabel(event)} ${dim("reused")}`);
      case "progress":
        if (!this.#running) return;
        this.#running.progress = event.progress;
        this.#running.rate.add(event.progress, now);
        if (now - this.#drawnMs >= REDRAW_MS) this.#draw(now);
        return;
      case "log":
        this.#line(event.level === "warn" ? yellow(logLine(event)) : dim(logLine(event)));
        return this.#draw(now);
      case "stage-end":
        return this.#finish(green("✓"), event.stageId, formatDuration(event.elapsedMs));
      case "stage-failed":
        return this.#finish(
          red("✗"),
          event.stageId,
          `stopped after ${formatDuration(event.elapsedMs)}`,
        );
    }
  };

  /** Takes the bar off the screen. */
  [Symbol.dispose](): void {
    if (this.#running) this.#screen.write(CLEAR_LINE);
    this.#running = undefined;
  }

  #finish(mark: string, stageId: string, text: string): void {
    const label = this.#running?.label ?? stageId;
    this.#running = undefined;
    this.#line(`${mark} ${label} ${dim(text)}`);
  }

  #line(text: string): void {
    this.#screen.write(`${CLEAR_LINE}${text}\n`);
  }

  #draw(now: number): void {
    const stage = this.#running;
    if (!stage) return;
    this.#drawnMs = now;
    this.#screen.write(CLEAR_LINE + barLine(stage, now, this.#screen.width() - 1));
  }
}

/** The running stage in one line of at most `width` columns: label, bar, figures. */
function barLine(stage: RunningStage, now: number, width: number): string {
  const { label, progress, rate, reason, startMs } = stage;
  const elapsed = formatDuration(now - startMs);
  const head = fitText(label, width);
  const figures = progress
    ? [...progressParts(progress, rate), rate.leftMs(progress) === undefined ? elapsed : ""]
      .filter((part) => part !== "").join("  ")
    : `${elapsed}  ${reason}`;
  const room = width - textWidth(head) - 1;
  if (room < 8) return bold(head);
  const total = progress?.total;
  const spare = room - textWidth(figures) - 1;
  const barWidth = total ? Math.min(LONGEST_BAR, Math.max(Math.floor(room / 4), spare)) : 0;
  const bar = total ? drawBar(progress.done / total, barWidth) + " " : "";
  return `${bold(head)} ${bar}${fitText(figures, room - (total ? barWidth + 1 : 0))}`;
}

function drawBar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return cyan("━".repeat(filled)) + dim("─".repeat(width - filled));
}
