/**
 * Oddsmith: ORPO preference training of language models from a pipeline, on any GPU that WebGPU
 * reaches.
 *
 * This module is the public API: what a stage of your own, a typed pipeline, or a program around
 * Oddsmith needs. Run as a program, it is the command line. Importing it loads no tensor library.
 *
 * @example A typed pipeline that runs by itself
 * ```ts
 * import { definePipeline, runMain } from "@oddsmith/oddsmith";
 * import * as stages from "@oddsmith/oddsmith/stages";
 *
 * const pipeline = definePipeline("quickstart", { seed: 42 })
 *   .stage(stages.model, { with: { from: "./models/base" } })
 *   .stage(stages.ingest, { with: { source: "./data/pairs.jsonl" } })
 *   .stage(stages.template)
 *   .stage(stages.tokenize, { with: { maxLength: 512 } })
 *   .stage(stages.orpo, { with: { beta: 0.25 } })
 *   .stage(stages.evaluate)
 *   .stage(stages.report);
 *
 * if (import.meta.main) await runMain(import.meta, pipeline);
 * ```
 *
 * @module
 */

export type { Json, JsonObject } from "./src/base/json.ts";
export { type ErrorDetails, type ErrorLocation, OddsmithError } from "./src/base/error.ts";
export { Rng, type RngState } from "./src/base/rng.ts";

export type { ConversationalPair, Message, PreferencePair, StandardPair } from "./src/data/pair.ts";
export { pairText } from "./src/data/pair_text.ts";
export type { TemplatedPair, TokenizedPair } from "./src/text/pair.ts";

export {
  type AnyArtifact,
  type AnyStage,
  API_VERSION,
  type ArtifactHandle,
  type ArtifactType,
  type ConfigInput,
  type ConfigSchema,
  defineStage,
  first,
  type Forecast,
  type ForecastContext,
  type InputForecast,
  type InputHandles,
  type InputPort,
  type Inputs,
  optional,
  type Outputs,
  type OutputValues,
  type PinnedSource,
  type PipelineSpec,
  type PrepareContext,
  type Progress,
  type ReadOf,
  type RunInfo,
  type SchemaIssue,
  type SchemaResult,
  type Stage,
  type StageContext,
  type StageEntry,
  type WriteOf,
} from "./src/runner/contract.ts";
export { type Dataset, type DatasetDraft, datasetType, type Split } from "./src/runner/dataset.ts";

export {
  evaluation,
  exportedModel,
  type Folder,
  type FolderDraft,
  modelFolder,
  preferencePairs,
  reportPage,
  templatedPairs,
  tokenizedPairs,
  trainingLog,
} from "./stages/artifacts.ts";
export { builtinStages } from "./stages/mod.ts";

export {
  definePipeline,
  type KindOf,
  type MissingInputs,
  type NoOptionsNeeded,
  type OutputRef,
  type OutputsOf,
  type PipelineMistake,
  type PipelineOptions,
  type RefsOfKind,
  type StageFits,
  type StageOptions,
  type StageSettings,
  TypedPipeline,
} from "./src/runner/pipeline.ts";
export {
  type LoadOptions,
  loadPipeline,
  type PipelineInput,
  validatePipeline,
  type Validation,
} from "./src/runner/load/load.ts";
export { PipelineProblems } from "./src/runner/errors.ts";
export type { ResolvedPipeline, ResolvedStage } from "./src/runner/resolved.ts";
export { planPipeline, type PlanRow } from "./src/runner/plan/plan.ts";
export { type RunOptions, type RunOutcome, runPipeline } from "./src/runner/run/run.ts";
export type { SelectionOptions } from "./src/runner/plan/select.ts";
export type { EventSink, RunEvent } from "./src/runner/events.ts";
export type {
  InputRecord,
  Manifest,
  RunStatus,
  StageRecord,
  StageStatus,
  Versions,
} from "./src/runner/run/manifest.ts";
export type { OutputRecord } from "./src/runner/store/cache_records.ts";
export { type MainModule, runMain } from "./src/cli/run_main.ts";

if (import.meta.main) {
  // No await at the top: a plugin that imports this module would wait for it for ever. The exit
  // code is that of a process which ends before the command line has said how it went.
  Deno.exitCode = 1;
  import("./src/cli/main.ts").then(async ({ main }) => Deno.exit(await main(Deno.args)));
}
