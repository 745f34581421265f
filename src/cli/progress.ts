/**
 * Shows a run while it happens: bars on a terminal, plain lines elsewhere. Both draw from the
 * runner's events alone.
 */

import type { EventSink } from "../runner/events.ts";
import { ProgressBars } from "./progress_bars.ts";
import { ProgressLines } from "./progress_lines.ts";

/** A view of a run; disposing it takes an unfinished bar off the screen. */
export interface ProgressView extends Disposable {
  readonly sink: EventSink;
}

/** What a view draws on. */
export interface ProgressScreen {
  write(text: string): void;
  /** Columns of the terminal. */
  width(): number;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

const DEFAULT_COLUMNS = 80;

/** Chooses the view for stderr. */
export function progressView(write: (text: string) => void): ProgressView {
  const screen: ProgressScreen = { write, width: terminalWidth, now: () => performance.now() };
  return Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb"
    ? new ProgressBars(screen)
    : new ProgressLines(screen);
}

function terminalWidth(): number {
  try {
    // Some pseudo-terminals have no size and say 0.
    return Deno.consoleSize().columns || DEFAULT_COLUMNS;
  } catch {
    return DEFAULT_COLUMNS;
  }
}
