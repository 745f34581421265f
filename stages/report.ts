/**
 * The stage "report": one HTML page that tells what a run did, from whatever of a training log, an
 * evaluation and tokenized pairs the pipeline has. What the page shows: src/report.
 *
 * It runs every time: the page names its run, and the copy that `output` asks for has to be there.
 */

import { basename, dirname, join, relative } from "@std/path";
import { z } from "zod";
import program from "../deno.json" with { type: "json" };
import { writeFileAtomic } from "../src/base/atomic.ts";
import { commandLine, setWords } from "../src/base/command_line.ts";
import type { Json, JsonObject } from "../src/base/json.ts";
import type { ReportInput, ReportStage } from "../src/report/input.ts";
import {
  API_VERSION,
  type InputPort,
  optional,
  type RunInfo,
  type Stage,
  type StageContext,
} from "../src/runner/contract.ts";
import type { Dataset } from "../src/runner/dataset.ts";
import type { TokenizedPair } from "../src/text/pair.ts";
import {
  evaluation,
  type FolderDraft,
  reportPage,
  tokenizedPairs,
  trainingLog,
} from "./artifacts.ts";

const config = z.strictObject({
  title: z.string().min(1).optional().describe("The page's title. Default: the pipeline's name."),
  output: z.string().min(1).optional().describe(
    "A file to put a copy of the page at, from the pipeline file's folder. Default: none; the page " +
      "is in the run's directory.",
  ),
});

type ReportInputs = {
  readonly log: InputPort<typeof trainingLog, true>;
  readonly evaluation: InputPort<typeof evaluation, true>;
  readonly pairs: InputPort<typeof tokenizedPairs, true>;
};
type ReportOutputs = { readonly report: typeof reportPage };
type ReportConfig = z.output<typeof config>;
type ReportContext = StageContext<ReportInputs, ReportConfig>;

/** Draws the run's page. */
export const report: Stage<
  ReportInputs,
  ReportOutputs,
  ReportConfig,
  z.input<typeof config>,
  "report"
> = {
  apiVersion: API_VERSION,
  name: "report",
  version: "1",
  summary: "Draws one self-contained HTML page: what training did, on which data, how it was run.",
  inputs: {
    log: optional(trainingLog),
    evaluation: optional(evaluation),
    pairs: optional(tokenizedPairs),
  },
  outputs: { report: reportPage },
  config,
  cache: "never",
  volatile: ["output"],
  run: async (ctx) => ({ report: await drawReport(ctx) }),
};

export default report;

async function drawReport(ctx: ReportContext): Promise<FolderDraft> {
  const { renderReport } = await import("../src/report/page.ts");
  const input = await gatherInput(ctx);
  ctx.signal.throwIfAborted();
  const page = renderReport(input);
  if (ctx.config.output !== undefined) {
    const path = ctx.resolvePath(ctx.config.output);
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, page);
    ctx.log(`the page is at ${path}`);
  }
  return (dir) => Deno.writeTextFile(join(dir, "report.html"), page);
}

async function gatherInput({ inputs, config, run }: ReportContext): Promise<ReportInput> {
  const handles = [inputs.log, inputs.evaluation, inputs.pairs].filter((handle) => !!handle);
  return {
    title: config.title ?? run.pipelineName,
    run: {
      id: run.id,
      startedAt: run.startedAt,
      seed: typeof run.pipeline.seed === "number" ? run.pipeline.seed : undefined,
      command: reproducingCommand(run.pipeline),
    },
    stages: reportStages(run),
    artifacts: handles.map(({ ref, digest }) => ({ ref, digest })),
    versions: { oddsmith: program.version, deno: Deno.version.deno },
    training: inputs.log && await readTraining(inputs.log.dir),
    evaluation: inputs.evaluation && await readFigures(inputs.evaluation.dir),
    data: inputs.pairs && await measureData(await inputs.pairs.read()),
  };
}

async function readTraining(dir: string): Promise<ReportInput["training"]> {
  const { readTrainingLog } = await import("../src/report/training_log.ts");
  return await readTrainingLog(dir);
}

async function readFigures(dir: string): Promise<ReportInput["evaluation"]> {
  const { readEvaluation } = await import("../src/report/evaluation.ts");
  const { selectPairs } = await import("../src/report/pair_selection.ts");
  const { summary, generations, pairs } = await readEvaluation(dir);
  return { summary, generations, pairs: await selectPairs(pairs(), { total: summary.pairs }) };
}

async function measureData(pairs: Dataset<TokenizedPair>): Promise<ReportInput["data"]> {
  const { tallyLengths } = await import("../src/report/lengths.ts");
  return { counts: pairs.counts, lengths: await tallyLengths(pairs.rows("train")) };
}

/** The run's stages up to this one, by what pipeline.json and their records say. */
function reportStages({ pipeline, records }: RunInfo): ReportStage[] {
  const stages = (pipeline.stages ?? []) as JsonObject[];
  return stages.filter(({ id }) => String(id) in records).map((stage) => ({
    id: String(stage.id),
    uses: String(stage.uses),
    version: String(stage.version),
    options: stage.config as JsonObject,
    facts: records[String(stage.id)]!,
  }));
}

/** The command line that makes the run again; paths start at the working folder. */
function reproducingCommand({ file, seed, device, overrides }: JsonObject): string | undefined {
  if (typeof file !== "string") return undefined;
  const near = relative(Deno.cwd(), file);
  const path = near.startsWith("..") ? basename(file) : near;
  const sets = Object.entries(overrides as Record<string, Json>)
    .filter(([target]) => target !== "seed" && target !== "device")
    .flatMap(([target, value]) => setWords(target, value));
  return commandLine([
    "oddsmith",
    "run",
    path,
    "--seed",
    String(seed),
    "--device",
    String(device),
    ...sets,
  ]);
}
