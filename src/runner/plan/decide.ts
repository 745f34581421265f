/**
 * The one decision of the runner: does a stage run, or is its stored result reused, and why. The
 * planner and the runner both ask here, so that a plan is what a run then does.
 */

import { relative } from "@std/path";
import { type CacheRecord, CacheRecords, type OutputRecord } from "../store/cache_records.ts";
import {
  cacheKey,
  explainChange,
  type KeyParts,
  keyParts,
  keyWithoutInputs,
} from "../store/cache_key.ts";
import type { PinnedSource } from "../contract.ts";
import { notYetKnown } from "../load/checks.ts";
import { FileDigests } from "../store/file_digests.ts";
import { resolvePath } from "../run/resolve_path.ts";
import type { ResolvedPipeline, ResolvedStage } from "../resolved.ts";
import { inputNotStored, sourceFault } from "../run/run_errors.ts";
import type { Selection } from "./select.ts";
import { namesIn, Store } from "../store/store.ts";

/** Everything a decision is made from. */
export interface Planning {
  /** What is planned. */
  readonly pipeline: ResolvedPipeline;
  /** The stages it is about. */
  readonly selection: Selection;
  /** Where results lie. */
  readonly store: Store;
  /** What earlier runs made. */
  readonly records: CacheRecords;
  /** Digests of files outside the store. */
  readonly files: FileDigests;
  /** Outputs known so far, by "stage-id.port". */
  readonly outputs: Map<string, OutputRecord>;
}

/** What is to be done with a stage. */
export type Decision =
  | { readonly action: "unknown"; readonly reason: string }
  | {
    readonly action: "run";
    readonly reason: string;
    /** Absent where an input is not known yet. */
    readonly key?: string;
    readonly parts?: KeyParts;
    /** What was wrong with a stored result. */
    readonly warning?: string;
  }
  | {
    readonly action: "reuse";
    readonly reason: string;
    readonly key: string;
    readonly parts: KeyParts;
    readonly record: CacheRecord;
  };

/** Opens what planning needs; writes nothing. */
export async function openPlanning(
  pipeline: ResolvedPipeline,
  selection: Selection,
): Promise<Planning> {
  const store = new Store(pipeline.runsDir);
  return {
    pipeline,
    selection,
    store,
    records: new CacheRecords(store),
    files: await FileDigests.open(store.path("files.json")),
    outputs: new Map(),
  };
}

/**
 * Decides on the next stage and, where it is reused, adds its outputs to the known ones.
 *
 * @throws StageError SOURCE_MISSING, SOURCE_UNREADABLE, INPUT_NOT_STORED, and what the stage's `sources` throws
 */
export async function decide(planning: Planning, resolved: ResolvedStage): Promise<Decision> {
  const decision = await weigh(planning, resolved);
  const supplier = planning.selection.suppliers.has(resolved.id);
  if (supplier && decision.action !== "reuse") {
    const only = planning.selection.stages.at(-1)!;
    throw inputNotStored(only.id, resolved.id, decision.reason);
  }
  if (decision.action === "reuse") addOutputs(planning, resolved.id, decision.record.outputs);
  return decision;
}

/** Makes a stage's outputs known to the stages after it. */
export function addOutputs(
  planning: Planning,
  stageId: string,
  outputs: Readonly<Record<string, OutputRecord>>,
): void {
  for (const [port, output] of Object.entries(outputs)) {
    planning.outputs.set(`${stageId}.${port}`, output);
  }
}

/** What a stage depends on outside the pipeline, and what of it only a run can find out. */
export interface SourceDigests {
  /** By path or name. */
  readonly digests: Record<string, string>;
  /** Sources without a digest so far. */
  readonly pending: readonly PinnedSource[];
}

/** Digests of what lies outside the pipeline and a stage depends on. */
export async function sourceDigests(
  planning: Planning,
  resolved: ResolvedStage,
): Promise<SourceDigests> {
  const { pipeline, files } = planning;
  const { stage, config } = resolved;
  const sources = await stage.sources?.(config, (path) => resolvePath(pipeline, path)) ?? [];
  const digests: Record<string, string> = {};
  const pending: PinnedSource[] = [];
  for (const source of sources) {
    if (typeof source !== "string") {
      if (source.digest === undefined) pending.push(source);
      else digests[source.name] = source.digest;
      continue;
    }
    const full = resolvePath(pipeline, source);
    const label = relative(pipeline.baseDir, full).replaceAll("\\", "/") || ".";
    try {
      digests[label] = await files.digest(full);
    } catch (error) {
      throw sourceFault(resolved.id, full, error) ?? error;
    }
  }
  return { digests, pending };
}

async function weigh(planning: Planning, resolved: ResolvedStage): Promise<Decision> {
  const { pipeline, selection, records } = planning;
  const supplier = selection.suppliers.has(resolved.id);
  const { inputs, waitingFor } = knownInputs(planning, resolved);
  const { digests, pending } = await sourceDigests(planning, resolved);
  if (pending.length > 0) return await weighUnprepared(planning, resolved, pending[0]!);
  const parts = keyParts(pipeline, resolved, inputs, digests);
  const known = waitingFor.size === 0 ? { key: cacheKey(parts), parts } : {};
  if (resolved.stage.cache === "never" && !supplier) {
    return { action: "run", reason: "cache: never", ...known };
  }
  if (selection.forced.has(resolved.id) && !supplier) {
    return { action: "run", reason: "forced", ...known };
  }
  if (known.key === undefined) return await weighBlind(planning, resolved, parts, waitingFor);
  const record = await records.get(known.key);
  if (!record) {
    return { action: "run", reason: await whyRun(planning, resolved.id, parts), ...known };
  }
  const fault = await findFault(planning.store, resolved.id, record);
  return fault
    ? { action: "run", ...fault, ...known }
    : { action: "reuse", reason: "unchanged", record, ...known };
}

function knownInputs(
  planning: Planning,
  resolved: ResolvedStage,
): { inputs: Record<string, string>; waitingFor: Set<string> } {
  const inputs: Record<string, string> = {};
  const waitingFor = new Set<string>();
  for (const [port, from] of Object.entries(resolved.inputs)) {
    const output = planning.outputs.get(`${from.stageId}.${from.port}`);
    if (output) inputs[port] = output.digest;
    else waitingFor.add(from.stageId);
  }
  return { inputs, waitingFor };
}

/** Why a recorded result cannot be reused after all; undefined where it can. */
async function findFault(
  store: Store,
  stageId: string,
  record: CacheRecord,
): Promise<{ reason: string; warning?: string } | undefined> {
  for (const [port, output] of Object.entries(record.outputs)) {
    const found = await store.check(output.digest);
    const ref = `${stageId}.${port}`;
    if (found.state === "missing") return { reason: `artifact missing (${ref})` };
    if (found.state === "damaged") {
      const warning = `the stored "${ref}" is damaged and is made again: ${found.why}`;
      return { reason: `artifact damaged (${ref})`, warning };
    }
  }
  return undefined;
}

/**
 * What can be said of a stage while inputs are unknown: where no record differs from it in inputs
 * alone it is certain to run, otherwise it depends.
 */
async function weighBlind(
  planning: Planning,
  resolved: ResolvedStage,
  parts: KeyParts,
  waitingFor: ReadonlySet<string>,
): Promise<Decision> {
  const wanted = keyWithoutInputs(parts);
  for await (const record of planning.records.all()) {
    if (keyWithoutInputs(record.parts) === wanted) {
      return { action: "unknown", reason: `depends on ${[...waitingFor].join(", ")}` };
    }
  }
  const latest = await planning.records.latest(planning.pipeline.name, resolved.id);
  return { action: "run", reason: latest ? explainChange(latest.parts, parts, false) : "new" };
}

/** Before a source is pinned there is no key; a stage that has never run is certain to. */
async function weighUnprepared(
  { records, pipeline }: Planning,
  resolved: ResolvedStage,
  source: PinnedSource,
): Promise<Decision> {
  const latest = await records.latest(pipeline.name, resolved.id);
  return { action: latest ? "unknown" : "run", reason: notYetKnown(source) };
}

async function whyRun(planning: Planning, stageId: string, parts: KeyParts): Promise<string> {
  const { store, records, pipeline } = planning;
  if ((await namesIn(store.scratchDir(cacheKey(parts)))).length > 0) {
    return "unfinished, goes on from its checkpoint";
  }
  const latest = await records.latest(pipeline.name, stageId);
  return latest ? explainChange(latest.parts, parts) : "new";
}
