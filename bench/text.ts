/**
 * How fast, and in how much memory, preference pairs become token ids: ingest, template and
 * tokenize as a pipeline runs them, stored after every stage, with SmolLM's tokenizer and ChatML.
 * MB are those of the source, JSON Lines of about 670 bytes a row. All of it runs on one thread, so
 * more cores bring little: garbage is collected and files are written beside it.
 *
 *     deno run -A bench/text.ts [--rows 200000]
 */

import { parseArgs } from "@std/cli/parse-args";
import { fromFileUrl, join } from "@std/path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { z } from "zod";
import {
  API_VERSION,
  builtinStages,
  definePipeline,
  defineStage,
  loadPipeline,
  modelFolder,
  type RunEvent,
  runPipeline,
} from "../mod.ts";
import * as stages from "../stages/mod.ts";
import { processorTime } from "../src/tensor/processor_time.ts";
import { type Figure, runBench } from "./harness.ts";
import { missingPairs } from "./hh_pairs.ts";
import { readSentences, writeRows } from "./text_rows.ts";

const DEFAULT_ROWS = 200_000;
const TOKENIZER = fromFileUrl(
  new URL("../../shared/data/tokenizers/smollm-135m", import.meta.url),
);

/** The tokenizer's folder alone in place of a model's, whose weights no stage here reads. */
const tokenizerFolder = defineStage({
  apiVersion: API_VERSION,
  name: "tokenizer-folder",
  version: "1",
  summary: "Takes a tokenizer's files.",
  inputs: {},
  outputs: { model: modelFolder },
  config: z.strictObject({}),
  run: () => Promise.resolve({ model: { dir: TOKENIZER } }),
});

/** Milliseconds since some moment. */
interface Clocks {
  wallMs: number;
  /** Of processor time, all threads together. */
  processorMs: number;
  /** The main thread had work, but others had the processors; 0 where the system does not say. */
  waitMs: number;
}

function readClocks(): Clocks {
  let waitMs = 0;
  try {
    waitMs = Number(Deno.readTextFileSync("/proc/self/schedstat").split(" ")[1]) / 1e6;
  } catch {
    // No Linux: the wall clock then counts what others take.
  }
  return {
    wallMs: performance.now(),
    processorMs: processorTime() * navigator.hardwareConcurrency,
    waitMs,
  };
}

/** What a stage took. */
interface StageCost extends Clocks {
  id: string;
  /** Live bytes, garbage collected, at a quarter of the stage and at three quarters. */
  live: number[];
}

/** Collects the garbage, which V8 offers to contexts made after the flag is set. */
const collectGarbage: () => void = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
})();

function liveBytes(): number {
  collectGarbage();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

const clockNames = ["wallMs", "processorMs", "waitMs"] as const;

/** Watches a run's events; garbage is collected off the clock. */
class Watch {
  readonly costs: StageCost[] = [];
  peakBytes = 0;
  #begun = readClocks();

  see(event: RunEvent): void {
    if (event.type === "stage-start") {
      this.#begun = readClocks();
      this.costs.push({ id: event.stageId, wallMs: 0, processorMs: 0, waitMs: 0, live: [] });
    } else if (event.type === "stage-end") {
      this.#addTime();
    } else if (event.type === "progress") {
      const { done, total = Infinity } = event.progress;
      this.peakBytes = Math.max(this.peakBytes, Deno.memoryUsage().rss);
      const { live } = this.costs.at(-1)!;
      if (live.length === 2 || done / total < [0.25, 0.75][live.length]!) return;
      this.#addTime();
      live.push(liveBytes());
      this.#begun = readClocks();
    }
  }

  #addTime(): void {
    const now = readClocks();
    for (const clock of clockNames) this.costs.at(-1)![clock] += now[clock] - this.#begun[clock];
  }
}

/** Runs the chain once, in this process, and gives what every stage took. */
async function runChain(dir: string, source: string): Promise<Watch> {
  const pipeline = await loadPipeline(
    definePipeline("text", { runsDir: join(dir, "runs") })
      .stage(tokenizerFolder)
      .stage(stages.ingest, { with: { source } })
      .stage(stages.template, { with: { template: "chatml" } })
      .stage(stages.tokenize, { with: { maxLength: 512 } }),
    { registry: builtinStages, cwd: dir },
  );
  const watch = new Watch();
  const { error } = await runPipeline(pipeline, {
    signal: new AbortController().signal,
    sink: (event) => watch.see(event),
  });
  if (error) throw error;
  watch.costs.shift();
  return watch;
}

function* figuresOf(watch: Watch, sizeBytes: number, rows: number): Generator<Figure> {
  const { costs, peakBytes } = watch;
  const megabytes = sizeBytes / 1e6;
  const sum = (of: (cost: StageCost) => number) =>
    costs.reduce((total, cost) => total + of(cost), 0);
  const rate = (millis: number) => megabytes / (millis / 1000);
  const rates = (of: (cost: StageCost) => number) =>
    Object.fromEntries(costs.map((cost) => [cost.id, Number(rate(of(cost)).toFixed(1))]));
  const name = `ingest, template, tokenize of ${rows} pairs (${megabytes.toFixed(0)} MB)`;
  const processorMs = (cost: StageCost) => cost.processorMs;
  const ownMs = (cost: StageCost) => cost.wallMs - cost.waitMs;
  yield {
    name,
    contender: "a core, by processor time",
    value: rate(sum(processorMs)),
    unit: " MB/s",
    must: 4,
    aim: 5,
    details: { rows, megabytes, processorMs: sum(processorMs), ...rates(processorMs) },
  };
  yield {
    name,
    contender:
      `over ${navigator.hardwareConcurrency} cores, by the wall clock less the wait for a core`,
    value: rate(sum(ownMs)),
    unit: " MB/s",
    must: 4,
    aim: 10,
    details: {
      rows,
      megabytes,
      wallMs: sum((cost) => cost.wallMs),
      waitMs: sum((cost) => cost.waitMs),
      ...rates(ownMs),
    },
  };
  const growth = costs.map(({ live: [early, late] }) => Math.max(0, late! - early!) / (rows / 2));
  yield {
    name,
    contender: "growth of the live memory in the middle half of a stage, a row, at most",
    value: Math.max(...growth),
    unit: " bytes",
    must: 64,
    aim: 32,
    isCost: true,
    details: {
      rows,
      peakMegabytes: peakBytes / 1e6,
      liveMegabytes: Math.max(...costs.map(({ live }) => live[1]!)) / 1e6,
      ...Object.fromEntries(costs.map(({ id }, at) => [id, growth[at]!])),
    },
  };
}

async function* figures(): AsyncGenerator<Figure> {
  const missing = await missingPairs();
  if (missing) return console.error(`text is not measured: ${missing}`);
  const { rows } = parseArgs(Deno.args, {
    string: ["rows"],
    default: { rows: String(DEFAULT_ROWS) },
  });
  const dir = await Deno.makeTempDir({ prefix: "oddsmith-bench-" });
  try {
    const source = join(dir, "pairs.jsonl");
    const sizeBytes = await writeRows(source, Number(rows), await readSentences());
    yield* figuresOf(await runChain(dir, source), sizeBytes, Number(rows));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

await runBench(import.meta, figures);
