/**
 * The one loader: a pipeline file in any format, or a pipeline in memory, becomes a
 * `ResolvedPipeline` or the list of everything that is wrong with it. Runs no stage.
 */

import { dirname, resolve } from "@std/path";
import { OddsmithError } from "../../base/error.ts";
import type { AnyStage, PipelineSpec } from "../contract.ts";
import { PipelineProblems } from "../errors.ts";
import { checkNeeds, checkSources } from "./checks.ts";
import { loadConfig, type LoadedConfig } from "./config.ts";
import { badName, duplicateId } from "./load_errors.ts";
import {
  type Override,
  overrideOption,
  overrideSettings,
  parseOverrides,
  unknownStageOverrides,
} from "./overrides.ts";
import { draftPipeline, isName, type PipelineDraft, type StageDraft } from "./spec.ts";
import { type LoadedStage, loadStage, type StageScope } from "./find_stage.ts";
import { importPipeline, memorySource } from "./module_source.ts";
import {
  checkFile,
  pipelineFormat,
  type PipelineSource,
  readPipelineText,
  shownPath,
} from "./pipeline_source.ts";
import type { ResolvedPipeline, ResolvedStage } from "../resolved.ts";
import { parsePipelineText } from "./text_source.ts";
import { type Connections, wireStages } from "../wire/wire.ts";
import { cycle } from "../wire/wire_errors.ts";
import { orderStages } from "../wire/wire_order.ts";

/** What loading depends on beside the file. */
export interface LoadOptions {
  /** Built-in stages by name. */
  readonly registry: ReadonlyMap<string, AnyStage>;
  /** `--set` assignments, e.g. "stages.orpo.with.beta=0.5"; later ones win. */
  readonly overrides?: readonly string[];
  /** In place of the file's seed. */
  readonly seed?: number;
  /** In place of the file's device. */
  readonly device?: string;
  /** Default: the process's working directory. */
  readonly cwd?: string;
  /** For a pipeline in memory: the module that holds it; relative paths then start at its folder. */
  readonly file?: string;
}

/** A pipeline file's path, or a pipeline in memory. */
export type PipelineInput = string | PipelineSpec | { readonly spec: PipelineSpec };

/** What validating gives: the pipeline where there are no problems. */
export interface Validation {
  /** Sorted by place; empty where all is well. */
  readonly problems: readonly OddsmithError[];
  /** What a run will do that a reader may not expect, e.g. download a model. */
  readonly notes: readonly string[];
  /** Present where there are no problems. */
  readonly pipeline?: ResolvedPipeline;
}

/**
 * Loads a pipeline, ready to be planned and run.
 *
 * @throws {PipelineProblems} All that is wrong with it, at once.
 */
export async function loadPipeline(
  input: PipelineInput,
  options: LoadOptions,
): Promise<ResolvedPipeline> {
  const { problems, pipeline } = await validatePipeline(input, options);
  if (pipeline === undefined) throw new PipelineProblems(problems);
  return pipeline;
}

/** Loads a pipeline and returns what is wrong with it instead of throwing. */
export async function validatePipeline(
  input: PipelineInput,
  options: LoadOptions,
): Promise<Validation> {
  const cwd = resolve(options.cwd ?? Deno.cwd());
  const file = typeof input === "string" ? input : options.file;
  const scope: StageScope = {
    registry: options.registry,
    file: file === undefined ? undefined : resolve(cwd, file),
    baseDir: file === undefined ? cwd : dirname(resolve(cwd, file)),
    cwd,
  };
  const problems: OddsmithError[] = [];
  const notes: string[] = [];
  const pipeline = await collect(problems, async () => {
    const overrides = parseOverrides(options, problems);
    const source = await openSource(input, scope, problems);
    return source && await resolveSource(source, overrides, scope, problems, notes);
  });
  if (problems.length === 0) return { problems, notes, pipeline };
  return { notes, problems: sortByPlace(problems, scope.file && shownPath(scope.file, cwd)) };
}

/** Awaits `work`; an OddsmithError it throws becomes a problem. */
async function collect<T>(
  problems: OddsmithError[],
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OddsmithError)) throw error;
    problems.push(error);
    return undefined;
  }
}

async function openSource(
  input: PipelineInput,
  scope: StageScope,
  problems: OddsmithError[],
): Promise<PipelineSource | undefined> {
  if (typeof input !== "string") return memorySource(input, scope.file, scope.cwd);
  const file = scope.file!;
  await checkFile(file, scope.cwd);
  const format = pipelineFormat(file, scope.cwd);
  if (format === "module") return await importPipeline(file, scope.cwd);
  const text = await readPipelineText(file, scope.cwd);
  const parsed = parsePipelineText(text, format, file, shownPath(file, scope.cwd));
  if (parsed.problems === undefined) return parsed.source;
  problems.push(...parsed.problems);
  return undefined;
}

/** A stage on its way: what is known of it so far. */
interface StageInProgress {
  readonly draft?: StageDraft;
  readonly loaded?: LoadedStage;
  readonly id?: string;
  config?: LoadedConfig;
}

async function resolveSource(
  written: PipelineSource,
  overrides: readonly Override[],
  scope: StageScope,
  problems: OddsmithError[],
  notes: string[],
): Promise<ResolvedPipeline | undefined> {
  const draft = draftPipeline(overrideSettings(written, overrides), problems);
  const stages = await Promise.all(draft.stages.map((stage) => findStage(stage, scope, problems)));
  checkIds(stages, problems);
  applyOptions(stages, overrides, problems);
  for (const stage of stages) await checkStage(stage, draft.device, scope, problems, notes);
  const nodes = stages.map(({ id, loaded, draft }) => ({
    id,
    stage: loaded?.stage,
    references: draft?.inputs ?? {},
    at: (...args: Parameters<StageDraft["at"]>) => draft?.at(...args),
  }));
  const connections = wireStages(nodes, scope.registry, problems);
  const ordered = orderStages(connections);
  if ("cycle" in ordered) {
    const node = nodes[ordered.cycle.find((at) => Object.keys(nodes[at]!.references).length > 0)!]!;
    problems.push(cycle(ordered.cycle.map((at) => nodes[at]!.id!), node.at(["inputs"], "key")));
  }
  if (problems.length > 0 || "cycle" in ordered) return undefined;
  return {
    name: draft.name,
    seed: draft.seed,
    device: draft.device,
    runsDir: runsDir(draft, overrides, scope),
    file: scope.file,
    baseDir: scope.baseDir,
    stages: ordered.order.map((at) => resolvedStage(stages[at]!, connections[at]!, stages)),
    overrides: Object.fromEntries(overrides.map(({ target, value }) => [target, value])),
  };
}

async function findStage(
  draft: StageDraft | undefined,
  scope: StageScope,
  problems: OddsmithError[],
): Promise<StageInProgress> {
  if (draft === undefined) return {};
  const loaded = await collect(problems, () => loadStage(draft.uses, scope, draft.at(["uses"])));
  return { draft, loaded, id: draft.id ?? loaded?.stage.name };
}

function checkIds(stages: readonly StageInProgress[], problems: OddsmithError[]): void {
  const seen = new Map<string, StageDraft>();
  for (const { id, draft } of stages) {
    if (id === undefined || draft === undefined) continue;
    const place = draft.at([draft.id === undefined ? "uses" : "id"]);
    const earlier = seen.get(id);
    if (earlier !== undefined) problems.push(duplicateId(id, earlier.at([]), place));
    else seen.set(id, draft);
    if (draft.id === undefined && !isName(id)) problems.push(badName("stage name", id, place));
  }
}

function applyOptions(
  stages: readonly StageInProgress[],
  overrides: readonly Override[],
  problems: OddsmithError[],
): void {
  for (const override of overrides) {
    const [top, id] = override.path;
    for (const stage of stages) {
      if (top !== "stages" || stage.id !== id || stage.draft === undefined) continue;
      const problem = overrideOption(stage.draft, override);
      if (problem !== undefined) problems.push(problem);
    }
  }
  const ids = stages.flatMap((stage) => stage.id ?? []);
  if (ids.length === stages.length) problems.push(...unknownStageOverrides(overrides, ids));
}

/** Checks what one stage can be checked for alone: options, needs, files. */
async function checkStage(
  stage: StageInProgress,
  device: string,
  scope: StageScope,
  problems: OddsmithError[],
  notes: string[],
): Promise<void> {
  const { draft, loaded, id } = stage;
  if (draft === undefined || loaded === undefined || id === undefined) return;
  problems.push(...await checkNeeds(loaded.stage, id, device, draft.at(["uses"])));
  stage.config = await loadConfig(loaded.stage, id, draft, problems);
  if (stage.config === undefined) return;
  const { config } = stage.config;
  const problem = await checkSources(loaded.stage, id, config, draft, scope.baseDir, notes);
  if (problem !== undefined) problems.push(problem);
}

function resolvedStage(
  { draft, loaded, id, config }: StageInProgress,
  connections: Connections,
  stages: readonly StageInProgress[],
): ResolvedStage {
  const uses = draft!.uses;
  return {
    id: id!,
    stage: loaded!.stage,
    uses: typeof uses === "string" ? uses : uses.name,
    ...config!,
    inputs: Object.fromEntries(
      Object.entries(connections).map(([input, { node, port }]) => [
        input,
        { stageId: stages[node]!.id!, port },
      ]),
    ),
    sourceDigest: loaded!.sourceDigest,
    location: draft!.at([]),
  };
}

/** From the pipeline file's folder where the file says it, else from the working directory. */
function runsDir(draft: PipelineDraft, overrides: readonly Override[], scope: StageScope): string {
  const isGiven = overrides.some(({ target }) => target === "runsDir");
  if (draft.runsDir === undefined || isGiven) return resolve(scope.cwd, draft.runsDir ?? "runs");
  return resolve(scope.baseDir, draft.runsDir);
}

function sortByPlace(problems: OddsmithError[], shown: string | undefined): OddsmithError[] {
  const rank = ({ location }: OddsmithError): [number, number] =>
    location?.file === shown ? [location?.line ?? 0, location?.column ?? 0] : [Infinity, 0];
  return problems.toSorted((a, b) => {
    const [lineA, columnA] = rank(a);
    const [lineB, columnB] = rank(b);
    return lineA === lineB ? columnA - columnB : lineA - lineB;
  });
}
