/** Progress: bars in place, lines at intervals, rates and times left. */

import { assert, assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { stripAnsiCode } from "@std/fmt/colors";
import { ProgressBars } from "../../src/cli/progress_bars.ts";
import { ProgressLines } from "../../src/cli/progress_lines.ts";
import { ProgressRate } from "../../src/cli/progress_rate.ts";
import { formatDuration, formatRate } from "../../src/cli/quantity.ts";
import { textWidth } from "../../src/cli/table.ts";
import type { RunEvent } from "../../src/runner/events.ts";

class FakeScreen {
  text = "";
  timeMs = 0;
  columns = 80;
  write = (text: string) => void (this.text += text);
  width = () => this.columns;
  now = () => this.timeMs;
}

const START: RunEvent = {
  type: "stage-start",
  stageId: "orpo",
  index: 2,
  count: 4,
  reason: "config.beta 0.1 -> 0.2",
};

const steps = (done: number, note?: string): RunEvent => ({
  type: "progress",
  stageId: "orpo",
  progress: { unit: "steps", done, total: 100, note },
});

/** What a terminal shows: text after a carriage return and clear replaces its line. */
function shown(text: string): string[] {
  return stripAnsiCode(text.replaceAll("\r\x1b[2K", "\r")).split("\n")
    .map((line) => line.slice(line.lastIndexOf("\r") + 1));
}

Deno.test("ProgressBars: one line redrawn in place, with rate, time left and note", () => {
  const screen = new FakeScreen();
  const { sink } = new ProgressBars(screen);
  sink(START);
  for (let done = 1; done <= 50; done++) {
    screen.timeMs += 500;
    sink(steps(done, "loss 1.25"));
  }
  const [line, ...more] = shown(screen.text);
  assertEquals(more, []);
  assertStringIncludes(line!, "[3/4] orpo ━");
  assertStringIncludes(line!, "50/100 steps  2 steps/s  25.0s left  loss 1.25");
  sink({ type: "stage-end", stageId: "orpo", elapsedMs: 25_000 });
  assertEquals(shown(screen.text), ["✓ [3/4] orpo 25.0s", ""]);
});

Deno.test("ProgressBars: fits any width, and draws at most ten times a second", () => {
  for (const columns of [12, 20, 33, 60, 80, 200]) {
    const screen = new FakeScreen();
    screen.columns = columns;
    const { sink } = new ProgressBars(screen);
    sink(START);
    for (let done = 1; done <= 100; done++) {
      screen.timeMs += 10;
      sink(steps(done, "a note 漢字 that is rather long"));
    }
    const drawn = screen.text.split("\r\x1b[2K").slice(1).map(stripAnsiCode);
    assertLessOrEqual(drawn.length, 12);
    for (const line of drawn) assertLessOrEqual(textWidth(line), columns - 1, `"${line}"`);
  }
});

Deno.test("ProgressBars: a log goes above the bar, and disposing takes the bar away", () => {
  const screen = new FakeScreen();
  using view = new ProgressBars(screen);
  view.sink(START);
  view.sink({ type: "log", stageId: "orpo", level: "warn", message: "careful" });
  assertEquals(shown(screen.text)[0], "warning: orpo: careful");
  assertStringIncludes(shown(screen.text)[1]!, "[3/4] orpo");
  view[Symbol.dispose]();
  assertEquals(shown(screen.text)[1], "");
});

Deno.test("ProgressLines: start and end with reason and time, a line at most every 10 s", () => {
  const screen = new FakeScreen();
  const { sink } = new ProgressLines(screen);
  sink({ type: "stage-reused", stageId: "model", index: 0, count: 4 });
  sink(START);
  for (let done = 1; done <= 100; done++) {
    screen.timeMs += 250;
    sink(steps(done));
  }
  sink({ type: "stage-end", stageId: "orpo", elapsedMs: 25_000 });
  assertEquals(screen.text.trimEnd().split("\n"), [
    "[1/4] model reused",
    "[3/4] orpo started (config.beta 0.1 -> 0.2)",
    "[3/4] orpo 40/100 steps, 4 steps/s, 15.0s left",
    "[3/4] orpo 80/100 steps, 4 steps/s, 5.0s left",
    "[3/4] orpo done in 25.0s",
  ]);
});

Deno.test("ProgressLines: a stage that fails before it starts is named", () => {
  const screen = new FakeScreen();
  new ProgressLines(screen).sink({
    type: "stage-failed",
    stageId: "orpo",
    elapsedMs: 5,
    error: "",
  });
  assertEquals(screen.text, "orpo stopped after 5ms\n");
});

Deno.test("ProgressRate: is of the last 30 seconds, not of work taken over", () => {
  const rate = new ProgressRate();
  const report = (done: number) => ({ unit: "steps", done, total: 2000 });
  rate.add(report(1000), 0);
  assertEquals(rate.perSecond(), undefined);
  for (let second = 1; second <= 100; second++) rate.add(report(1000 + second), second * 1000);
  assertEquals(rate.perSecond(), 1);
  for (let second = 101; second <= 140; second++) {
    rate.add(report(1100 + (second - 100) * 10), second * 1000);
  }
  assertEquals(rate.perSecond(), 10);
  assertEquals(rate.leftMs(report(1500)), 50_000);
});

Deno.test("ProgressRate: a count that starts again starts the rate again", () => {
  const rate = new ProgressRate();
  rate.add({ unit: "rows", done: 500 }, 0);
  rate.add({ unit: "rows", done: 1000 }, 1000);
  rate.add({ unit: "pairs", done: 0 }, 1500);
  rate.add({ unit: "pairs", done: 10 }, 2500);
  assertEquals(rate.perSecond(), 10);
  assert(rate.leftMs({ unit: "pairs", done: 10 }) === undefined);
});

Deno.test("formatDuration, formatRate: two units, three digits", () => {
  const cases = [[12, "12ms"], [3440, "3.4s"], [59_990, "1m 00s"], [127_000, "2m 07s"]] as const;
  for (const [ms, text] of cases) assertEquals(formatDuration(ms), text);
  assertEquals(formatDuration(3_900_000), "1h 05m");
  assertEquals(formatDuration(90_000_000), "1d 01h");
  assertEquals(formatRate(8.2149, "steps"), "8.21 steps/s");
  assertEquals(formatRate(12_345.6, "rows"), "12,346 rows/s");
  assertEquals(formatRate(0.05, "steps"), "20 s/step");
});
