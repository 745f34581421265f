/**
 * The stage "evaluate": scores held-out pairs under a model and under the one its training started
 * from, and lets both write after the same prompts. How pairs are scored: src/train; what is
 * written: src/report/evaluation.ts.
 */

import { z } from "zod";
import type {
  EvaluatedGeneration,
  EvaluatedPair,
  EvaluationSummary,
  PairFigures,
} from "../src/report/evaluation.ts";
import {
  API_VERSION,
  type ArtifactHandle,
  first,
  type InputPort,
  type Stage,
  type StageContext,
} from "../src/runner/contract.ts";
import type { Dataset } from "../src/runner/dataset.ts";
import type { TokenizedPair } from "../src/text/pair.ts";
import type { Tokenizer } from "../src/text/tokenizer.ts";
import type { DeviceChoice } from "../src/tensor/device.ts";
import type { ModelEvaluation } from "../src/train/evaluate_model.ts";
import type { EvaluationPrompt } from "../src/train/evaluation_prompts.ts";
import type { PairScore } from "../src/train/metrics.ts";
import type { OrpoObjective } from "../src/train/objective.ts";
import {
  evaluation,
  type Folder,
  type FolderDraft,
  modelFolder,
  tokenizedPairs,
} from "./artifacts.ts";

const message = z.strictObject({
  role: z.string().min(1).describe("system, user, assistant or tool."),
  content: z.string().describe("What was said."),
});

const config = z.strictObject({
  preset: z.enum(["trl", "official", "llamafactory", "paper"]).optional().describe(
    "Known trainer whose NLL is followed, as in orpo. Default: as the model was trained, else trl.",
  ),
  beta: z.number().min(0).optional().describe(
    "Weight of the odds-ratio term: scales loss and rewards; accuracies do not depend on it. " +
      "Default: as the model was trained, else 0.1.",
  ),
  nllScope: z.enum(["response", "all"]).optional().describe(
    "What the NLL covers: the chosen answer, or the prompt too. Default: the preset's.",
  ),
  nllReduction: z.enum(["token", "example"]).optional().describe(
    "What the NLL is a mean over. Default: the preset's.",
  ),
  batchSize: z.int().min(1).default(8).describe(
    "Pairs scored, and prompts answered, together, at most; lower it to save memory.",
  ),
  batchTokens: z.int().min(1).default(4096).describe(
    "Tokens scored together, at most; a pair that has more goes alone.",
  ),
  quantization: z.enum(["none", "f16", "int8", "nf4"]).default("none").describe(
    "How both models' weights are kept on the device, to save memory at the price of rounding: as " +
      "orpo keeps frozen ones.",
  ),
  confidence: z.number().gt(0).lt(1).default(0.95).describe(
    "Coverage of the bootstrap intervals of both accuracies.",
  ),
  bootstrapSamples: z.int().min(100).default(2000).describe("Resamples the intervals are made of."),
  prompts: z.array(z.union([z.string().min(1), z.array(message).min(1)])).optional().describe(
    "What both models are asked: texts or conversations. Default: prompts of held-out pairs.",
  ),
  template: z.string().default("model").describe(
    'The chat template that writes `prompts`: "model", a name as in the template stage, or "none" ' +
      "to give texts as they are. Default model, and none where it has no template.",
  ),
  generations: z.int().min(0).default(8).describe(
    "Held-out pairs, evenly spaced, whose prompts are asked where `prompts` is not given.",
  ),
  maxNewTokens: z.int().min(1).default(64).describe("Most tokens written after a prompt."),
  temperature: z.number().min(0).default(0).describe("0: always the likeliest token."),
  topK: z.int().min(1).optional().describe("Draw among this many likeliest tokens. Default: all."),
  topP: z.number().gt(0).max(1).optional().describe(
    "Draw among the likeliest tokens that make up this probability. Default: all.",
  ),
});

type EvaluateInputs = {
  readonly model: typeof modelFolder;
  readonly base: InputPort<typeof modelFolder, false>;
  readonly pairs: typeof tokenizedPairs;
};
type EvaluateOutputs = { readonly evaluation: typeof evaluation };
type EvaluateConfig = z.output<typeof config>;
type EvaluateContext = StageContext<EvaluateInputs, EvaluateConfig>;

/** Compares a model with the one its training started from. */
export const evaluate: Stage<
  EvaluateInputs,
  EvaluateOutputs,
  EvaluateConfig,
  z.input<typeof config>,
  "evaluate"
> = {
  apiVersion: API_VERSION,
  name: "evaluate",
  version: "1",
  summary: "Scores held-out pairs and writes sample answers, before and after training.",
  inputs: { model: modelFolder, base: first(modelFolder), pairs: tokenizedPairs },
  outputs: { evaluation },
  config,
  run: async (ctx) => ({ evaluation: await evaluateModels(ctx) }),
};

export default evaluate;

async function evaluateModels(ctx: EvaluateContext): Promise<FolderDraft> {
  const { openDevice } = await import("../src/tensor/device.ts");
  const { loadTokenizer } = await import("../src/text/tokenizer.ts");
  const { evaluateModel } = await import("../src/train/evaluate_model.ts");
  const { needsEvalPairs } = await import("../src/train/errors.ts");
  const { resolveObjective } = await import("../src/train/objective.ts");
  const { model, base } = ctx.inputs;
  const pairs = await ctx.inputs.pairs.read();
  const total = pairs.counts.eval;
  if (total === 0) throw needsEvalPairs("evaluate");
  const device = await openDevice(ctx.device as DeviceChoice);
  ctx.record({ device: device.note, pairs: total });
  const tokenizer = await loadTokenizer(model.dir);
  const prompts = await choosePrompts(ctx, pairs, tokenizer);
  const objective = resolveObjective(ctx.config, trainedObjective(ctx));
  const { batchSize, batchTokens, quantization, maxNewTokens, temperature, topK, topP } =
    ctx.config;
  const evaluateAs = (dir: string, note: string) =>
    evaluateModel(dir, pairs.rows("eval"), prompts, tokenizer, {
      batchSize,
      batchTokens,
      quantization,
      nllScope: objective.nllScope,
      signal: ctx.signal,
      generation: { maxNewTokens, temperature, topK, topP, seed: ctx.seed },
      onScored: (done) => ctx.report({ unit: "pairs", done, total, note }),
      onWritten: (done) => ctx.report({ unit: "answers", done, total: prompts.length, note }),
    });
  const trained = base.digest !== model.digest;
  const evaluateBoth = async () => ({
    before: trained ? await evaluateAs(base.dir, "before training") : undefined,
    after: await evaluateAs(model.dir, trained ? "after training" : ""),
  });
  const { before, after } = await evaluateBoth().catch(async (error) => {
    throw error === ctx.signal.reason ? error : await device.explain(error);
  });
  device.checkFailed();
  return await draftEvaluation({ ctx, pairs, prompts, tokenizer, objective, before, after });
}

/** What the stage that made the model says it was trained with. */
function trainedObjective({ inputs, run }: EvaluateContext): OrpoObjective | undefined {
  const [producer] = inputs.model.ref.split(".");
  const objective = run.records[producer!]?.objective;
  return objective === undefined ? undefined : objective as unknown as OrpoObjective;
}

async function choosePrompts(
  ctx: EvaluateContext,
  pairs: Dataset<TokenizedPair>,
  tokenizer: Tokenizer,
): Promise<EvaluationPrompt[]> {
  const { heldOutPrompts, writtenPrompts } = await import("../src/train/evaluation_prompts.ts");
  const { prompts, template, generations } = ctx.config;
  if (prompts === undefined) {
    return await heldOutPrompts(pairs.rows("eval"), pairs.counts.eval, generations, tokenizer);
  }
  const { chooseTemplate } = await import("../src/text/choose_template.ts");
  return writtenPrompts(
    prompts,
    tokenizer,
    await chooseTemplate(template, tokenizer, ctx.resolvePath),
  );
}

/** All that an evaluation's files are made of. */
interface Findings {
  ctx: EvaluateContext;
  pairs: Dataset<TokenizedPair>;
  prompts: readonly EvaluationPrompt[];
  tokenizer: Tokenizer;
  objective: OrpoObjective;
  /** Absent where the model is the one its training started from. */
  before?: ModelEvaluation;
  after: ModelEvaluation;
}

async function draftEvaluation(found: Findings): Promise<FolderDraft> {
  const { writeEvaluation } = await import("../src/report/evaluation.ts");
  const { prompts, before, after, ctx } = found;
  const summary = await summarize(found);
  const accuracy = "eval_rewards/accuracies";
  const was = summary.before ? `${summary.before.metrics[accuracy]!.toFixed(3)} -> ` : "";
  ctx.log(
    `accuracy on ${summary.pairs} pairs: ${was}${summary.after.metrics[accuracy]!.toFixed(3)}`,
  );
  ctx.metrics({ ...summary.after.metrics });
  const generations = prompts.map(({ text, chosen, rejected }, i): EvaluatedGeneration => ({
    prompt: text,
    ...(before ? { before: before.written[i]! } : {}),
    after: after.written[i]!,
    ...(chosen === undefined ? {} : { chosen, rejected }),
  }));
  return (dir) => writeEvaluation(dir, { summary, generations, pairs: evaluatedPairs(found) });
}

async function summarize({ ctx, objective, before, after }: Findings): Promise<EvaluationSummary> {
  const { evaluationChange, evaluationFigures } = await import(
    "../src/train/evaluation_figures.ts"
  );
  const { bootstrapSamples: samples, confidence: level } = ctx.config;
  const bootstrap = { seed: ctx.seed, samples, level };
  const figures = ({ ref, digest }: ArtifactHandle<Folder>, { scores }: ModelEvaluation) => ({
    ref,
    digest,
    ...evaluationFigures(scores, objective, bootstrap),
  });
  return {
    pairs: after.scores.length,
    objective: { ...objective },
    ...(before
      ? {
        before: figures(ctx.inputs.base, before),
        change: evaluationChange(before.scores, after.scores, bootstrap),
      }
      : {}),
    after: figures(ctx.inputs.model, after),
  };
}

async function* evaluatedPairs(
  { pairs, tokenizer, before, after }: Findings,
): AsyncGenerator<EvaluatedPair> {
  const text = (ids: number[]) => tokenizer.decode(ids, { skipSpecialTokens: true });
  let row = 0;
  for await (const { id, source, promptIds, chosenIds, rejectedIds } of pairs.rows("eval")) {
    const score = after.scores[row]!;
    const was = before?.scores[row];
    row++;
    yield {
      id,
      source,
      prompt: text(promptIds),
      chosen: text(chosenIds),
      rejected: text(rejectedIds),
      chosenTokens: score.chosenTokens,
      rejectedTokens: score.rejectedTokens,
      ...(was ? { before: pairFigures(was) } : {}),
      after: pairFigures(score),
    };
  }
}

function pairFigures({ logpsChosen, logpsRejected, logOdds }: PairScore): PairFigures {
  return { logpsChosen, logpsRejected, logOdds };
}
