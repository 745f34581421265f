/**
 * The stage "export": the model as others take it, a Hugging Face folder, a PEFT adapter or GGUF
 * files, each read back and compared before the stage succeeds. What is written: src/models/export.
 *
 * It runs every time: the copy that `dir` asks for has to be there.
 */

import { z } from "zod";
import type { JsonObject } from "../src/base/json.ts";
import type { ExportWatch } from "../src/models/export/compare.ts";
import type { CardFacts } from "../src/report/card_facts.ts";
import type { EvaluationSummary } from "../src/report/evaluation.ts";
import {
  API_VERSION,
  type InputPort,
  optional,
  type Stage,
  type StageContext,
} from "../src/runner/contract.ts";
import {
  evaluation,
  exportedModel,
  type FolderDraft,
  modelFolder,
  trainingLog,
} from "./artifacts.ts";
import { describeExport } from "./export_card.ts";
import { exportOptions } from "./export_options.ts";

const config = z.strictObject({
  ...exportOptions,
  dir: z.string().min(1).optional().describe(
    "A folder to put a copy in, from the pipeline file's folder. Default: none; the export is in " +
      "the run's directory.",
  ),
  force: z.boolean().default(false).describe(
    "Lets the copy replace a folder that no export wrote.",
  ),
});

type ExportInputs = {
  readonly model: typeof modelFolder;
  readonly evaluation: InputPort<typeof evaluation, true>;
  readonly log: InputPort<typeof trainingLog, true>;
};
type ExportOutputs = { readonly export: typeof exportedModel };
type ExportConfig = z.output<typeof config>;
type ExportContext = StageContext<ExportInputs, ExportConfig>;

/** Writes a model for others to use. */
export const exportStage: Stage<
  ExportInputs,
  ExportOutputs,
  ExportConfig,
  z.input<typeof config>,
  "export"
> = {
  apiVersion: API_VERSION,
  name: "export",
  version: "1",
  summary: "Writes the model as a Hugging Face folder, a PEFT adapter or GGUF, each with its card.",
  inputs: { model: modelFolder, evaluation: optional(evaluation), log: optional(trainingLog) },
  outputs: { export: exportedModel },
  config,
  cache: "never",
  volatile: ["dir", "force"],
  // A copy that may not go where it is to go is to be found before the training, not after it.
  sources: async ({ dir, force }, resolvePath) => {
    if (dir !== undefined) {
      const { checkPlacement } = await import("../src/models/export/place.ts");
      await checkPlacement({ target: resolvePath(dir), force });
    }
    return [];
  },
  run: async (ctx) => ({ export: await exportRun(ctx) }),
};

export default exportStage;

async function exportRun(ctx: ExportContext): Promise<FolderDraft> {
  const { checkExport, countExport, exportModel } = await import(
    "../src/models/export/export_model.ts"
  );
  const { checkPlacement, placeExport } = await import("../src/models/export/place.ts");
  const { copy } = await import("../src/base/copy.ts");
  ctx.signal.throwIfAborted();
  const { inputs, config: { dir: to, force, ...options } } = ctx;
  const { settings, card } = await describeExport(options, {
    name: ctx.run.pipelineName,
    facts: await factsOf(ctx),
    evaluation: await evaluationOf(ctx),
  });
  const modelDir = inputs.model.dir;
  await checkExport(modelDir, settings);
  const place = to === undefined
    ? undefined
    : { target: ctx.resolvePath(to), model: [modelDir], force };
  if (place) await checkPlacement(place);
  const total = await countExport(modelDir, settings);
  return async (dir) => {
    const parts = await exportModel(modelDir, dir, settings, card, watchOf(ctx, total));
    ctx.record({ exports: parts.map((part): JsonObject => ({ ...part })) });
    for (const { format, dtype, tensors } of parts) {
      ctx.log(`${format}, ${dtype}: ${tensors} tensors compared with the model`);
    }
    if (!place) return;
    await placeExport(place, (temporary) => copy(dir, temporary));
    ctx.log(`the export is at ${place.target}`);
  };
}

function watchOf({ signal, report }: ExportContext, total: number): ExportWatch {
  let done = 0;
  const onTensor: ExportWatch["onTensor"] = (what, name) => {
    done = Math.min(done + 1, total);
    report({ unit: "tensors", done, total, note: `${what} ${name}` });
  };
  return { signal, onTensor };
}

/** What the run knows of the model; its log, where the same stage gave it, goes before records. */
async function factsOf({ inputs, run }: ExportContext): Promise<CardFacts> {
  const { cardFacts } = await import("../src/report/card_facts.ts");
  const [producer] = inputs.model.ref.split(".");
  const facts = cardFacts(run, producer!);
  if (!inputs.log || !inputs.log.ref.startsWith(`${producer}.`)) return facts;
  const { readTrainingLog } = await import("../src/report/training_log.ts");
  const { summary } = await readTrainingLog(inputs.log.dir);
  const training = facts.training ?? { stage: producer!, options: {}, facts: {} };
  return { ...facts, training: { ...training, facts: { ...training.facts, ...summary } } };
}

async function evaluationOf(ctx: ExportContext): Promise<EvaluationSummary | undefined> {
  const { evaluation, model } = ctx.inputs;
  if (!evaluation) return undefined;
  const { readEvaluation } = await import("../src/report/evaluation.ts");
  const { summary } = await readEvaluation(evaluation.dir);
  if (summary.after.digest === model.digest) return summary;
  ctx.log(`the evaluation is of ${summary.after.ref}, not of ${model.ref}: left out`, "warn");
  return undefined;
}
