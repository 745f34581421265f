/**
 * How fast, and in how much memory, preference pairs become token ids: ingest, template and
 * tokenize as a pipeline runs them, stored after every stage, with SmolLM's tokenizer and ChatML.
 * MB are those of the source, JSON Lines of about 650 bytes a row.
 *
 *     deno run -A bench/text.ts [--rows 100000]
 */

import { parseArgs } from "@std/cli/parse-args";
import { fromFileUrl, join } from "@std/path";
import { z } from "zod";
import {
  API_VERSION,
  builtinStages,
  definePipeline,
  defineStage,
  loadPipeline,
  modelFolder,
  runPipeline,
} from "../mod.ts";
import * as stages from "../stages/mod.ts";
import { processorTime } from "../src/tensor/processor_time.ts";
import { type Figure, runBench } from "./harness.ts";
import { missingPairs } from "./hh_pairs.ts";
import { readSentences, writeRows } from "./text_rows.ts";

const DEFAULT_ROWS = 100_000;
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

/** What a stage took. */
interface StageCost {
  id: string;
  wallMs: number;
  processorMs: number;
  /** The most memory in each half of the stage's time, in bytes. */
  peaks: [number, number];
}

/** Runs the chain once, in this process, and gives what every stage took. */
async function runChain(dir: string, source: string): Promise<StageCost[]> {
  const pipeline = await loadPipeline(
    definePipeline("text", { runsDir: join(dir, "runs") })
      .stage(tokenizerFolder)
      .stage(stages.ingest, { with: { source } })
      .stage(stages.template, { with: { template: "chatml" } })
      .stage(stages.tokenize, { with: { maxLength: 512 } }),
    { registry: builtinStages, cwd: dir },
  );
  const costs: StageCost[] = [];
  let begun = { wall: 0, processor: 0 };
  let samples: number[] = [];
  const processor = () => processorTime() * navigator.hardwareConcurrency;
  const onStart = () => {
    begun = { wall: performance.now(), processor: processor() };
    samples = [];
  };
  const onEnd = (id: string) => {
    const half = samples.length >> 1;
    costs.push({
      id,
      wallMs: performance.now() - begun.wall,
      processorMs: processor() - begun.processor,
      peaks: [Math.max(...samples.slice(0, half)), Math.max(...samples.slice(half))],
    });
  };
  const { error } = await runPipeline(pipeline, {
    signal: new AbortController().signal,
    sink: (event) => {
      if (event.type === "stage-start") onStart();
      if (event.type === "progress") samples.push(Deno.memoryUsage().rss);
      if (event.type === "stage-end") onEnd(event.stageId);
    },
  });
  if (error) throw error;
  return costs.filter(({ id }) => id !== tokenizerFolder.name);
}

function* figuresOf(costs: StageCost[], sizeBytes: number, rows: number): Generator<Figure> {
  const megabytes = sizeBytes / 1e6;
  const sum = (of: (cost: StageCost) => number) =>
    costs.reduce((total, cost) => total + of(cost), 0);
  const rate = (millis: number) => megabytes / (millis / 1000);
  const rates = (of: (cost: StageCost) => number) =>
    Object.fromEntries(costs.map((cost) => [cost.id, Number(rate(of(cost)).toFixed(1))]));
  const name = `ingest, template, tokenize of ${rows} pairs (${megabytes.toFixed(0)} MB)`;
  const processorMs = sum((cost) => cost.processorMs);
  const wallMs = sum((cost) => cost.wallMs);
  yield {
    name,
    contender: "a core, by processor time",
    value: rate(processorMs),
    unit: " MB/s",
    must: 4,
    aim: 5,
    details: { rows, megabytes, processorMs, ...rates((cost) => cost.processorMs) },
  };
  yield {
    name,
    contender: `over ${navigator.hardwareConcurrency} cores, by the wall clock`,
    value: rate(wallMs),
    unit: " MB/s",
    must: 4,
    aim: 10,
    details: { rows, megabytes, wallMs, ...rates((cost) => cost.wallMs) },
  };
  const growth = costs.map(({ peaks: [first, second] }) => Math.max(0, second - first) / 1e6);
  yield {
    name,
    contender: "growth of the peak memory from the first half of a stage to the second, at most",
    value: Math.max(...growth),
    unit: " MB",
    must: 96,
    aim: 48,
    isCost: true,
    details: {
      rows,
      peakMegabytes: Math.max(...costs.map(({ peaks }) => Math.max(...peaks))) / 1e6,
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
