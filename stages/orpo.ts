/**
 * The stage "orpo": trains a model on tokenized pairs. The training itself is src/train/loop.ts;
 * this file joins it to the runner.
 */

import { join } from "@std/path";
import type { JsonObject } from "../src/base/json.ts";
import type { LoraSource } from "../src/models/lora/source.ts";
import {
  API_VERSION,
  type Forecast,
  type ForecastContext,
  type Stage,
  type StageContext,
} from "../src/runner/contract.ts";
import type { Dataset } from "../src/runner/dataset.ts";
import type { Device, DeviceChoice } from "../src/tensor/device.ts";
import type { TokenizedPair } from "../src/text/pair.ts";
import type { TrainHooks, TrainResult } from "../src/train/loop.ts";
import { type OrpoOptions, orpoOptions, type OrpoOptionsInput } from "../src/train/options.ts";
import type { TrainingProfile } from "../src/train/step_profile.ts";
import { adapterAtHand, adapterDir, adapterSources, prepareAdapter } from "./adapter_source.ts";
import { type FolderDraft, modelFolder, tokenizedPairs, trainingLog } from "./artifacts.ts";

type OrpoInputs = { readonly model: typeof modelFolder; readonly pairs: typeof tokenizedPairs };
type OrpoOutputs = { readonly model: typeof modelFolder; readonly log: typeof trainingLog };
type OrpoContext = StageContext<OrpoInputs, OrpoOptions>;

/** Trains a model by ORPO. */
export const orpo: Stage<OrpoInputs, OrpoOutputs, OrpoOptions, OrpoOptionsInput, "orpo"> = {
  apiVersion: API_VERSION,
  name: "orpo",
  version: "1",
  summary: "Trains a model on preference pairs by ORPO: one loss, no reference model.",
  inputs: { model: modelFolder, pairs: tokenizedPairs },
  outputs: { model: modelFolder, log: trainingLog },
  config: orpoOptions,
  // How often figures are read and checkpoints kept changes no weight and no row. Neither does what
  // memory is saved by, but for the rounding of another cut into micro-batches (no more than another
  // device does) and what LoRA's dropout draws for it. A training that ran out of memory goes on with less.
  volatile: [
    "loggingSteps",
    "saveSteps",
    "saveTotalLimit",
    "gradientCheckpointing",
    "memoryBudget",
    "microBatchTokens",
  ],
  forecast,
  sources: async ({ lora }, resolvePath) => {
    return lora?.adapter === undefined ? [] : await adapterSources(lora.adapter, resolvePath);
  },
  prepare: async ({ lora }, context) => {
    if (lora?.adapter !== undefined) await prepareAdapter(lora.adapter, context);
  },
  run: train,
};

export default orpo;

async function train(ctx: OrpoContext): Promise<{ model: FolderDraft; log: FolderDraft }> {
  const { openDevice } = await import("../src/tensor/device.ts");
  const { unfilledModel } = await import("../src/models/unfilled.ts");
  const { loadCausalLM } = await import("../src/models/folder/load.ts");
  const { saveCausalLM } = await import("../src/models/folder/save.ts");
  const { openLora } = await import("../src/models/lora/source.ts");
  const { saveAdapter } = await import("../src/models/lora/files.ts");
  const { weightCounts } = await import("../src/models/weights.ts");
  const { resolveObjective } = await import("../src/train/objective.ts");
  const { PairStore } = await import("../src/train/pair_store.ts");
  const { trainOrpo } = await import("../src/train/loop.ts");
  const device = await openDevice(ctx.device as DeviceChoice);
  ctx.record({ device: device.note });
  const pairs = await ctx.inputs.pairs.read();
  const { quantization } = ctx.config;
  const source = await sourceOf(ctx.config.lora, ctx.seed, (adapter) => adapterDir(adapter, ctx));
  const model = await loadCausalLM(ctx.inputs.model.dir, {
    lora: source && ((base) => openLora(base, source)),
    quantization,
  });
  try {
    const training = await PairStore.load(pairs.rows("train"), model.config);
    const evaluation = await PairStore.load(pairs.rows("eval"), model.config);
    ctx.log(`training on ${training.size} pairs, ${evaluation.size} held out; ${device.note}`);
    const result = await trainOrpo({
      model,
      makeUnfilled: () => unfilledModel(model.config, { lora: model.lora, quantization }),
      train: training,
      evaluation,
      options: ctx.config,
      seed: ctx.seed,
      device,
      dir: ctx.scratch,
      signal: ctx.signal,
      hooks: hooksOf(ctx),
      profile: ctx.profile,
    });
    const summary = {
      ...summaryOf(result, device, { train: training.size, eval: evaluation.size }),
      ...weightCounts(model),
      quantization,
      objective: { ...resolveObjective(ctx.config) },
      ...(result.profile && { profile: profileOf(result.profile) }),
    };
    ctx.record(summary);
    return {
      model: async (dir) => {
        await saveCausalLM(model, ctx.inputs.model.dir, dir);
        if (model.lora) await saveAdapter(model.lora, join(dir, "adapter"));
        model.dispose();
        device.memory.release();
      },
      log: async (dir) => {
        await Deno.copyFile(join(ctx.scratch, "steps.jsonl"), join(dir, "steps.jsonl"));
        const text = JSON.stringify(summary, null, 2) + "\n";
        await Deno.writeTextFile(join(dir, "summary.json"), text);
      },
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Rehearses the training's memory: on the stored pairs, or on pairs as long as they may be. */
async function forecast(
  { config: options, seed, device, inputs, resolvePath }: ForecastContext<OrpoOptions>,
): Promise<Forecast> {
  const { forecastConfig } = await import("./forecast_inputs.ts");
  const { PairStore } = await import("../src/train/pair_store.ts");
  const { forecastLines } = await import("../src/train/forecast_lines.ts");
  const config = await forecastConfig(inputs.model);
  const known = inputs.model?.facts;
  const facts: Forecast = known ? { outputs: { model: known } } : {};
  if (device !== "auto" && device !== "webgpu") return facts;
  const stored = await inputs.pairs?.read?.() as Dataset<TokenizedPair> | undefined;
  const maxLength = inputs.pairs?.facts?.maxLength;
  if (!config || !(stored || typeof maxLength === "number")) {
    return { ...facts, lines: ["memory: known once the stages before it have run"] };
  }
  const pairs = stored
    ? {
      train: await PairStore.load(stored.rows("train"), config),
      evaluation: await PairStore.load(stored.rows("eval"), config),
    }
    : { maxLength: maxLength as number };
  const { plannedLora } = await import("../src/models/lora/source.ts");
  const adapter = options.lora?.adapter;
  const dir = adapter && await adapterAtHand(adapter, resolvePath);
  if (adapter !== undefined && dir === undefined) {
    return { ...facts, lines: ["memory: known once the adapter is downloaded"] };
  }
  const source = await sourceOf(options.lora, seed, () => dir!);
  const lora = source && await plannedLora(config, source);
  return { ...facts, lines: await forecastLines(config, options, pairs, { seed, lora }) };
}

/** Where the branches come from that are asked for. */
async function sourceOf(
  lora: OrpoOptions["lora"],
  seed: string,
  dirOf: (adapter: string) => string | Promise<string>,
): Promise<LoraSource | undefined> {
  if (!lora) return undefined;
  const { adapter, ...options } = lora;
  if (adapter === undefined) return { options, seed };
  return { adapter: await dirOf(adapter), dropout: options.dropout };
}

function hooksOf(ctx: OrpoContext): TrainHooks {
  return {
    progress: (done, total, note) => ctx.report({ unit: "steps", done, total, note }),
    row: (row) => ctx.metrics(row),
    log: (message, level) => ctx.log(message, level),
  };
}

/** The profile as plain JSON. */
function profileOf({ ops, ...rest }: TrainingProfile): JsonObject {
  return { ...rest, ops: ops.map((op) => ({ ...op })) };
}

function summaryOf(
  result: TrainResult,
  device: Device,
  counts: { train: number; eval: number },
): JsonObject {
  const { state, totalSteps, modelStep, resumedFrom } = result;
  const seconds = state.trainMs / 1000;
  const evaluation = (record: typeof state.lastEval) =>
    record ? { step: record.step, metrics: { ...record.metrics } } : null;
  return {
    device: device.note,
    backend: device.backend,
    trainPairs: counts.train,
    evalPairs: counts.eval,
    steps: state.step,
    totalSteps,
    stoppedEarly: state.stoppedEarly,
    resumedFrom: resumedFrom ?? null,
    modelStep,
    best: state.best ? { ...state.best } : null,
    evalBefore: evaluation(state.firstEval),
    evalAfter: evaluation(state.lastEval),
    pairsSeen: state.pairs,
    tokensSeen: state.tokens,
    sharedTokens: state.sharedTokens,
    packingEfficiency: state.usedTokens / state.dispatchedTokens,
    trainMs: state.trainMs,
    pairsPerSecond: state.pairs / seconds,
    tokensPerSecond: state.tokens / seconds,
    recomputedLayers: state.memory!.recomputedLayers,
    microBatchTokens: state.memory!.microBatchTokens,
    predictedPeakBytes: state.memory!.predictedPeakBytes ?? null,
    peakMemoryBytes: state.peakMemoryBytes,
  };
}
