/**
 * One stage's turn in a run: reused, or run under the lock of its cache key, its outputs stored
 * and its record written.
 *
 * Invariant: a stage's outputs get their names in the store, its cache record and its line in the
 * manifest only once all of them are complete; until then its scratch folder is kept.
 */

import { canonicalJson } from "../../base/json.ts";
import type { OutputRecord } from "../store/cache_records.ts";
import type { KeyParts } from "../store/cache_key.ts";
import type { ArtifactType } from "../contract.ts";
import { addOutputs, decide, type Decision, sourceDigests } from "../plan/decide.ts";
import { LineFile } from "./line_file.ts";
import { acquireLock, lockHolder } from "../store/lock.ts";
import type { InputRecord } from "./manifest.ts";
import { resolvePath } from "./resolve_path.ts";
import type { ResolvedStage } from "../resolved.ts";
import { outputsMissing, runLocked } from "./run_errors.ts";
import type { RunSession } from "../plan/session.ts";
import { failOnStrays } from "./stray_errors.ts";
import { openContext } from "./stage_context.ts";
import { type DraftArtifact, removeTree } from "../store/store.ts";

/** Where a stage is in the run, and what it is doing: kept up to date for the error message. */
export interface StageTurn {
  /** Counts from 0. */
  readonly index: number;
  /** Of all stages the command is about. */
  readonly count: number;
  /** E.g. "running"; follows "failed while". */
  step: string;
  /** Where the step writes. */
  path: string;
}

type Reuse = Extract<Decision, { action: "reuse" }>;

interface Todo {
  readonly reason: string;
  readonly key: string;
  readonly parts: KeyParts;
  /** What was wrong with a stored result. */
  readonly warning?: string | undefined;
}

/** Gives a stage its turn: reuses its result or makes it. */
export async function takeTurn(
  session: RunSession,
  resolved: ResolvedStage,
  turn: StageTurn,
): Promise<void> {
  const { planning: { store }, run } = session;
  await prepareSources(session, resolved, turn);
  const todo = await reuseOrPrepare(session, resolved, turn);
  if (!todo) return;
  const path = store.stageLock(todo.key);
  const since = new Date().toISOString();
  const owner = { pid: Deno.pid, runId: run.id, stageId: resolved.id, since };
  await using lock = await acquireLock(path, owner);
  if (!lock) throw runLocked(resolved.id, (await lockHolder(path)).owner);
  // Another run may have finished the same stage just before the lock was free.
  const still = await reuseOrPrepare(session, resolved, turn);
  if (still) await runStage(session, resolved, still, turn);
}

/** Lets the stage find out what its cache key is to hold. */
async function prepareSources(
  session: RunSession,
  resolved: ResolvedStage,
  turn: StageTurn,
): Promise<void> {
  const { planning: { pipeline, selection }, signal } = session;
  const { stage, id, config } = resolved;
  if (stage.prepare === undefined || selection.suppliers.has(id)) return;
  turn.step = "preparing";
  await stage.prepare(config, {
    resolvePath: (path) => resolvePath(pipeline, path),
    signal,
    forced: selection.forced.has(id),
    log: (message, level = "info") => session.emit({ type: "log", stageId: id, level, message }),
  });
}

/** Reuses a stored result; undefined then, otherwise what is to be made. */
async function reuseOrPrepare(
  session: RunSession,
  resolved: ResolvedStage,
  turn: StageTurn,
): Promise<Todo | undefined> {
  const { planning } = session;
  let decision = await decide(planning, resolved);
  if (decision.action === "reuse") {
    // Decided again where gc keeps out: the artifacts stay from now on, the manifest names them.
    decision = await planning.store.guard(async () => {
      const again = await decide(planning, resolved);
      if (again.action === "reuse") await adopt(session, resolved, again);
      return again;
    });
  }
  if (decision.action === "reuse") {
    await session.run.linkOutputs(planning.store, resolved.id);
    const { index, count } = turn;
    session.emit({ type: "stage-reused", stageId: resolved.id, index, count });
    return undefined;
  }
  if (decision.action === "unknown" || !decision.key || !decision.parts) {
    throw new Error(`stage "${resolved.id}" has its turn before its inputs are made`);
  }
  const { reason, key, parts, warning } = decision;
  return { reason, key, parts, warning };
}

async function adopt(session: RunSession, resolved: ResolvedStage, reuse: Reuse): Promise<void> {
  const { run, planning } = session;
  const { key, record, reason } = reuse;
  run.changeStage(resolved.id, {
    status: "reused",
    reason,
    cacheKey: key,
    madeBy: record.runId,
    inputs: inputRecords(session, resolved),
    outputs: { ...record.outputs },
    facts: record.facts,
  });
  await run.manifest.flush();
  await planning.records.setLatest(planning.pipeline.name, resolved.id, key);
  await planning.files.save();
}

async function runStage(
  session: RunSession,
  resolved: ResolvedStage,
  todo: Todo,
  turn: StageTurn,
): Promise<void> {
  const { run, planning: { store, selection } } = session;
  const { id } = resolved;
  const begun = performance.now();
  const scratch = store.scratchDir(todo.key);
  Object.assign(turn, { step: "preparing", path: store.dir });
  if (selection.forced.has(id)) await removeTree(scratch);
  await Deno.mkdir(scratch, { recursive: true });
  run.changeStage(id, {
    status: "running",
    reason: todo.reason,
    cacheKey: todo.key,
    startedAt: new Date().toISOString(),
    inputs: inputRecords(session, resolved),
  });
  await run.manifest.flush();
  const { index, count } = turn;
  session.emit({ type: "stage-start", stageId: id, index, count, reason: todo.reason });
  if (todo.warning !== undefined) {
    session.emit({ type: "log", stageId: id, level: "warn", message: todo.warning });
  }
  const drafts = await makeOutputs(session, resolved, todo.key, turn);
  try {
    const elapsedMs = Math.round(performance.now() - begun);
    Object.assign(turn, { step: "storing its outputs", path: store.dir });
    await commit(session, resolved, todo, drafts, elapsedMs);
    session.emit({ type: "stage-end", stageId: id, elapsedMs });
  } finally {
    for (const { dir } of drafts.values()) await removeTree(dir);
  }
  await removeTree(scratch);
}

/** Runs the stage and writes what it returned below tmp/. */
async function makeOutputs(
  session: RunSession,
  resolved: ResolvedStage,
  key: string,
  turn: StageTurn,
): Promise<Map<string, DraftArtifact>> {
  const { planning: { store }, run } = session;
  await run.stageDir(resolved.id);
  using log = new LineFile(run.logPath(resolved.id));
  const scratch = store.scratchDir(key);
  const { ctx, finish } = openContext(session, resolved, scratch, log);
  const drafts = new Map<string, DraftArtifact>();
  try {
    await failOnStrays(resolved.id, async () => {
      Object.assign(turn, { step: "running", path: scratch });
      const values = await resolved.stage.run(ctx);
      checkReturned(resolved, values, (message) => ctx.log(message, "warn"));
      // A value may be a stream: much of the stage's work can happen while its output is written.
      for (const [port, type] of Object.entries<ArtifactType<unknown>>(resolved.stage.outputs)) {
        Object.assign(turn, { step: `writing output "${port}"`, path: store.dir });
        drafts.set(port, await store.draft(type, values[port], key));
      }
    });
    log.check();
    return drafts;
  } catch (error) {
    for (const { dir } of drafts.values()) await removeTree(dir);
    throw error;
  } finally {
    finish();
  }
}

function checkReturned(
  resolved: ResolvedStage,
  values: Record<string, unknown>,
  warn: (message: string) => void,
): void {
  const declared = Object.keys(resolved.stage.outputs);
  const returned = typeof values === "object" && values !== null ? Object.keys(values) : [];
  const missing = declared.filter((port) => !returned.includes(port) || values[port] === undefined);
  if (missing.length > 0) throw outputsMissing(resolved.id, missing, returned);
  const unknown = returned.filter((port) => !declared.includes(port));
  if (unknown.length > 0) warn(`returned undeclared outputs, not kept: ${unknown.join(", ")}`);
}

async function commit(
  session: RunSession,
  resolved: ResolvedStage,
  todo: Todo,
  drafts: ReadonlyMap<string, DraftArtifact>,
  elapsedMs: number,
): Promise<void> {
  const { run, planning } = session;
  const { store, records, pipeline } = planning;
  const { key, parts } = todo;
  // A source that is gone now changed too; that must not cost the finished result.
  const filesNow = await sourceDigests(planning, resolved)
    .then(({ digests }) => digests, () => ({}));
  const outputs: Record<string, OutputRecord> = {};
  for (const [port, { info }] of drafts) {
    const type = `${info.kind}@${info.version}`;
    outputs[port] = { digest: info.digest, type, sizeBytes: info.sizeBytes };
  }
  await store.guard(async () => {
    for (const draft of drafts.values()) await store.keep(draft);
    run.changeStage(resolved.id, { status: "done", elapsedMs, outputs });
    await run.manifest.flush();
    if (canonicalJson(filesNow) === canonicalJson(parts.files)) {
      const { facts } = run.record(resolved.id);
      await records.put({ key, parts, outputs, facts, runId: run.id, elapsedMs });
      await records.setLatest(pipeline.name, resolved.id, key);
    } else {
      const message = "a file it reads changed meanwhile; its result will not be reused";
      session.emit({ type: "log", stageId: resolved.id, level: "warn", message });
    }
    await planning.files.save();
  });
  addOutputs(planning, resolved.id, outputs);
  await run.linkOutputs(store, resolved.id);
}

function inputRecords(
  session: RunSession,
  resolved: ResolvedStage,
): Record<string, InputRecord> {
  const inputs: Record<string, InputRecord> = {};
  for (const [port, from] of Object.entries(resolved.inputs)) {
    const ref = `${from.stageId}.${from.port}`;
    inputs[port] = { ref, digest: session.planning.outputs.get(ref)!.digest };
  }
  return inputs;
}
