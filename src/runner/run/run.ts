/**
 * Runs a pipeline: stage after stage, what is stored is reused, and whatever happens the run's
 * directory says so. Resuming is nothing special: the same pipeline run again.
 */

import type { OddsmithError } from "../../base/error.ts";
import { openPlanning, type Planning } from "../plan/decide.ts";
import type { EventSink } from "../events.ts";
import { LineFile } from "./line_file.ts";
import type { Manifest } from "./manifest.ts";
import type { ResolvedPipeline, ResolvedStage } from "../resolved.ts";
import { resumeAdvice } from "./resume_advice.ts";
import { RunDir } from "./run_dir.ts";
import { badRunsDir, refusedByDisk, stageFailed } from "./run_errors.ts";
import { type StageTurn, takeTurn } from "./run_stage.ts";
import { type SelectionOptions, selectStages } from "../plan/select.ts";
import { RunSession } from "../plan/session.ts";

/** How to run a pipeline. */
export interface RunOptions extends SelectionOptions {
  /** Receives every event, as it happens. */
  readonly sink: EventSink;
  /** Abort it to stop: the stage saves what it has, the run ends as "interrupted". */
  readonly signal: AbortSignal;
  /** Asks stages where their time goes; changes no result. Default false. */
  readonly profile?: boolean;
}

/** How a run ended. */
export interface RunOutcome {
  /** How it ended. */
  readonly status: "done" | "failed" | "interrupted";
  /** 0 done, 1 failed, 130 interrupted. */
  readonly exitCode: 0 | 1 | 130;
  /** The run's id. */
  readonly runId: string;
  /** The run's directory, absolute. */
  readonly runDir: string;
  /** As last written to manifest.json. */
  readonly manifest: Manifest;
  /** What stopped a failed run. */
  readonly error?: OddsmithError;
}

/**
 * Runs a pipeline in a new run directory. A stage that fails does not throw: the outcome says so.
 *
 * @throws PipelineError UNKNOWN_STAGE_ID, SELECTION_CONFLICT; PipelineError BAD_RUNS_DIR, StageError
 * DISK_FULL, ACCESS_DENIED or MISSING_PERMISSION where not even the run directory can be made
 */
export async function runPipeline(
  pipeline: ResolvedPipeline,
  options: RunOptions,
): Promise<RunOutcome> {
  const begun = performance.now();
  const selection = selectStages(pipeline, options);
  const planning = await openPlanning(pipeline, selection);
  await using run = await makeRunDir(planning, options);
  const session = new RunSession(planning, run, options);
  session.emit({ type: "run-start", runId: run.id, runDir: run.dir, pipeline: pipeline.name });
  const ended = await runStages(session);
  return await conclude(session, ended, Math.round(performance.now() - begun));
}

/** How the stages ended. */
interface Ended {
  status: RunOutcome["status"];
  error?: OddsmithError;
}

async function makeRunDir(planning: Planning, options: SelectionOptions): Promise<RunDir> {
  const { store, pipeline, selection } = planning;
  try {
    await store.prepare();
    return await RunDir.create(store, pipeline, selection, options);
  } catch (error) {
    const refused = refusedByDisk(error, "create the run directory", store.runsDir);
    if (refused) throw refused;
    throw isSystemError(error) ? badRunsDir(store.runsDir, error) : error;
  }
}

/** Whether the operating system gave it: a path through a file, a folder nobody may make. */
function isSystemError(error: unknown): boolean {
  return typeof (error as { code?: unknown } | undefined)?.code === "string";
}

async function runStages(session: RunSession): Promise<Ended> {
  const { stages } = session.planning.selection;
  for (const [index, resolved] of stages.entries()) {
    if (session.signal.aborted) return { status: "interrupted" };
    const turn = { index, count: stages.length, step: "planning", path: session.run.dir };
    const begun = performance.now();
    try {
      await takeTurn(session, resolved, turn);
    } catch (error) {
      const elapsedMs = Math.round(performance.now() - begun);
      if (session.signal.aborted) return interrupted(session, resolved, error, elapsedMs);
      return await failed(session, resolved, turn, error, elapsedMs);
    }
  }
  return { status: "done" };
}

function interrupted(
  session: RunSession,
  resolved: ResolvedStage,
  error: unknown,
  elapsedMs: number,
): Ended {
  const { signal, run, planning } = session;
  const stageId = resolved.id;
  run.changeStage(stageId, { status: "interrupted", elapsedMs });
  const expected = error === signal.reason ||
    (error instanceof DOMException && error.name === "AbortError");
  if (!expected) {
    const what = error instanceof Error ? error.message : String(error);
    session.emit({ type: "log", stageId, level: "warn", message: `failed to stop well: ${what}` });
  }
  const message = `stopped; ${resumeAdvice(planning.pipeline)}`;
  session.emit({ type: "log", stageId, level: "info", message });
  return { status: "interrupted" };
}

async function failed(
  session: RunSession,
  resolved: ResolvedStage,
  turn: StageTurn,
  cause: unknown,
  elapsedMs: number,
): Promise<Ended> {
  const { run, planning } = session;
  const { step, path } = turn;
  const log = await writeStack(run, resolved.id, cause);
  const resume = resumeAdvice(planning.pipeline);
  const error = stageFailed(cause, { stageId: resolved.id, step, path, log, resume });
  const text = error.format();
  run.changeStage(resolved.id, { status: "failed", elapsedMs, error: text });
  session.emit({ type: "stage-failed", stageId: resolved.id, elapsedMs, error: text });
  return { status: "failed", error };
}

/** Adds an error's stack to the stage's log, and names the log. */
async function writeStack(run: RunDir, stageId: string, cause: unknown): Promise<string> {
  try {
    await run.stageDir(stageId);
    using log = new LineFile(run.logPath(stageId));
    log.append(`error ${cause instanceof Error ? cause.stack : cause}`);
  } catch {
    // A full disk may be the very cause; the error itself is reported all the same.
  }
  return run.logPath(stageId);
}

async function conclude(
  session: RunSession,
  ended: Ended,
  elapsedMs: number,
): Promise<RunOutcome> {
  const { run } = session;
  let { status, error } = ended;
  try {
    run.events.check();
  } catch (cause) {
    error ??= refusedByDisk(cause, "write the run's events", run.dir);
    if (!error) throw cause;
    if (status === "done") status = "failed";
  }
  run.manifest.change((manifest) => {
    Object.assign(manifest, { status, elapsedMs });
    if (error) manifest.error = error.format();
  });
  try {
    await run.manifest.flush();
  } catch (cause) {
    error ??= refusedByDisk(cause, "write the run's manifest", run.dir);
    if (!error) throw cause;
    status = "failed";
  }
  session.emit({ type: "run-end", status, elapsedMs });
  const exitCode = status === "done" ? 0 : status === "failed" ? 1 : 130;
  const { id: runId, dir: runDir } = run;
  const { manifest } = run.manifest;
  return { status, exitCode, runId, runDir, manifest, ...(error ? { error } : {}) };
}
