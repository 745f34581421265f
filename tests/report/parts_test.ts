import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import type { EvaluatedPair } from "../../src/report/evaluation.ts";
import { readEvaluation } from "../../src/report/evaluation.ts";
import {
  formatBytes,
  formatCount,
  formatElapsed,
  formatFigure,
  formatShare,
  visibleText,
} from "../../src/report/format.ts";
import { html } from "../../src/report/html.ts";
import { tallyLengths } from "../../src/report/lengths.ts";
import { selectPairs } from "../../src/report/pair_selection.ts";
import { rowCounts } from "../../src/report/row_counts.ts";
import { endOf, readTrainingLog, smoothPoints, thinPoints } from "../../src/report/training_log.ts";
import { writeSampleRun } from "./sample_run.ts";

Deno.test("html: escapes strings, leaves markup, drops what is absent", () => {
  const part = html`<i title="${`"'<&>`}">${"<b>"}</i>`;
  assertEquals(
    html`<p>${part}${[1, html`<br>`]}${undefined}${null}${false}</p>`.text,
    '<p><i title="&quot;&#39;&lt;&amp;&gt;">&lt;b&gt;</i>1<br></p>',
  );
});

Deno.test("format: figures, counts, shares, times and sizes as people read them", () => {
  assertEquals(
    [0, -0.00012, -0.5, 1.23456, 12.345, 1234567, NaN, undefined].map(formatFigure),
    ["0.000", "−1.20e−4", "−0.500", "1.235", "12.35", "1,234,567", "–", "–"],
  );
  assertEquals([7, 1234.4].map(formatCount), ["7", "1,234"]);
  assertEquals([0.5, 0.981, 1, undefined].map(formatShare), ["50%", "98.1%", "100%", "–"]);
  assertEquals([840, 12_300, 245_000, 7_380_000].map(formatElapsed), [
    "840 ms",
    "12.3 s",
    "4 min 5 s",
    "2 h 3 min",
  ]);
  assertEquals([512, 1536].map(formatBytes), ["512 B", "1.5 KiB"]);
});

Deno.test("visibleText: shows control and direction characters, keeps line breaks", () => {
  assertEquals(visibleText("a\x00b\nc\td\x7f\u202ee"), "a\u2400b\nc\td\u2421\ufffde");
});

Deno.test("thinPoints: keeps short series, averages long ones, keeps the end", () => {
  const points = Array.from({ length: 1000 }, (_, i) => ({ step: i + 1, value: i }));
  assertEquals(thinPoints(points.slice(0, 10), 100), points.slice(0, 10));
  const thinned = thinPoints(points, 100);
  assert(thinned.length <= 100 && thinned.length > 80);
  assertEquals(thinned.at(-1), points.at(-1));
  assertAlmostEquals(thinned[0]!.value, 5, 0.5);
});

Deno.test("smoothPoints: a constant stays, a spike is spread; endOf: mean of the last tenth", () => {
  const flat = Array.from({ length: 50 }, (_, i) => ({ step: i, value: 2 }));
  assertEquals(smoothPoints(flat), flat);
  const spiked = flat.map((point, i) => i === 25 ? { ...point, value: 5 } : point);
  assertAlmostEquals(smoothPoints(spiked)[25]!.value, 2.6, 0.41);
  assertEquals(endOf([]), undefined);
  assertEquals(endOf(Array.from({ length: 20 }, (_, i) => ({ step: i, value: i }))), 18.5);
});

Deno.test("tallyLengths: means, medians, bins and who is longer", async () => {
  const ids = (count: number) => Array.from({ length: count }, () => 0);
  const pair = (chosen: number, rejected: number) => ({
    promptIds: ids(3),
    chosenIds: ids(chosen),
    rejectedIds: ids(rejected),
  });
  const tally = await tallyLengths(ReadableStream.from([pair(4, 2), pair(8, 8), pair(3, 9)]));
  assertEquals([tally.pairs, tally.chosenLonger, tally.equallyLong], [3, 1, 1]);
  assertEquals(tally.summary("chosen"), { mean: 5, median: 4, max: 8 });
  const bins = tally.bins("chosen", 5);
  assertEquals(bins.map(({ from, pairs }) => [from, pairs]), [[0, 0], [2, 1], [4, 1], [6, 0], [
    8,
    1,
  ]]);
});

Deno.test("selectPairs: the worst and the best without overlap, points evenly spaced", async () => {
  const figures = (margin: number) => ({ logpsChosen: margin, logpsRejected: 0, logOdds: margin });
  const pairs = Array.from({ length: 100 }, (_, i): EvaluatedPair => ({
    id: String(i),
    source: "",
    prompt: "",
    chosen: "",
    rejected: "",
    chosenTokens: 1,
    rejectedTokens: 1,
    after: figures((i * 37) % 100),
  }));
  const chosen = await selectPairs(ReadableStream.from(pairs), {
    total: 100,
    extremes: 3,
    points: 20,
  });
  assertEquals(chosen.worst.map((pair) => pair.after.logpsChosen), [0, 1, 2]);
  assertEquals(chosen.best.map((pair) => pair.after.logpsChosen), [99, 98, 97]);
  assertEquals([chosen.after.length, chosen.before.length, chosen.total], [20, 0, 100]);
  const few = await selectPairs(ReadableStream.from(pairs.slice(0, 4)), { total: 4, extremes: 3 });
  assertEquals(few.worst.length + few.best.length, 4);
});

Deno.test("rowCounts: reads counts a split, counts a reason, and skips stages that count nothing", () => {
  const stage = { uses: "x", version: "1", options: {} };
  const counts = rowCounts([
    { ...stage, id: "model", facts: { device: "cpu" } },
    {
      ...stage,
      id: "ingest",
      facts: { kept: { train: 5, eval: 1 }, dropped: { bad: { rows: 2 } } },
    },
    { ...stage, id: "dedupe", facts: { kept: 4, dropped: { near: 1, same: 3, none: 0 } } },
  ]);
  assertEquals(counts, [
    { stageId: "ingest", kept: 6, dropped: 2, reasons: [{ reason: "bad", rows: 2 }] },
    {
      stageId: "dedupe",
      kept: 4,
      dropped: 4,
      reasons: [{ reason: "same", rows: 3 }, { reason: "near", rows: 1 }],
    },
  ]);
});

Deno.test("readTrainingLog, readEvaluation: read what was written; a broken row is named", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await writeSampleRun(dir);
    const log = await readTrainingLog(join(dir, "log"));
    assertEquals(log.series.get("loss")!.length, 480);
    assertEquals(log.series.get("eval_loss")!.length, 12);
    const evaluation = await readEvaluation(join(dir, "evaluation"));
    assertEquals((await Array.fromAsync(evaluation.pairs())).length, evaluation.summary.pairs);

    const steps = join(dir, "log", "steps.jsonl");
    await Deno.writeTextFile(steps, '{"step":1,"loss":2}\n{"step":\n');
    const error = await assertRejects(() => readTrainingLog(join(dir, "log")), OddsmithError);
    assertEquals([error.code, error.location?.row], ["BAD_FILE", 2]);
    await Deno.remove(steps);
    await assertRejects(() => readTrainingLog(join(dir, "log")), OddsmithError, "No such file");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
