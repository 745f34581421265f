/**
 * The errors of running: a stage that fails, what keeps it from starting, and what the disk or
 * the permissions refuse. Those of reading runs and their artifacts are in store_errors.ts.
 */

import { OddsmithError } from "../../base/error.ts";
import { suggest } from "../../base/suggest.ts";
import { pipelineError, stageError } from "../errors.ts";
import type { LockOwner } from "../store/lock.ts";

/** Where a stage failed, and the command that goes on from there. */
export interface FailurePoint {
  /** The failed stage. */
  readonly stageId: string;
  /** What it was doing, e.g. "running", "writing output \"pairs\"". */
  readonly step: string;
  /** Where that step writes; named when the disk is full. */
  readonly path: string;
  /** The stage's log. */
  readonly log: string;
  /** A clause like "`oddsmith run quickstart.yaml` goes on from there". */
  readonly resume: string;
}

/**
 * What the user is told of anything a stage throws. An OddsmithError keeps its class, code,
 * message and place; a refusal of the disk or of a permission gets its own code; anything else
 * becomes StageError STAGE_FAILED with its cause.
 */
export function stageFailed(error: unknown, at: FailurePoint): OddsmithError {
  const where = `stage "${at.stageId}" failed while ${at.step}`;
  const known = error instanceof OddsmithError
    ? error
    : refusedByDisk(error, `finish ${at.step} in stage "${at.stageId}"`, at.path);
  if (known) {
    const hint = known.hint === undefined ? "" : `${known.hint}; `;
    return new OddsmithError(known.kind, known.code, known.message, {
      location: known.location,
      hint: `${hint}${where}; ${at.resume}`,
      cause: known.cause ?? error,
    });
  }
  return stageError("STAGE_FAILED", `Cannot finish stage "${at.stageId}": ${describe(error)}`, {
    hint: `it failed while ${at.step}; ${at.log} has the stack; ${at.resume}`,
    cause: error,
  });
}

/**
 * The error for a write or read that the system refused: DISK_FULL, MISSING_PERMISSION (Deno's),
 * ACCESS_DENIED (the system's), or undefined where the cause is another.
 *
 * @param doing Follows "Cannot", e.g. `create the run directory`.
 */
export function refusedByDisk(
  error: unknown,
  doing: string,
  path: string,
): OddsmithError | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  const details = { location: { file: path }, cause: error };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return stageError("DISK_FULL", `Cannot ${doing}: no space is left on the disk`, {
      ...details,
      hint: "nothing half written was kept; free some space: " +
        "`oddsmith gc --keep-runs=1` removes old runs and what only they used",
    });
  }
  if (error instanceof Deno.errors.NotCapable) {
    return stageError("MISSING_PERMISSION", `Cannot ${doing}: ${error.message}`, {
      ...details,
      hint: "give Deno that permission (`deno run -A` gives all)",
    });
  }
  if (error instanceof Deno.errors.PermissionDenied || code === "EROFS") {
    return stageError("ACCESS_DENIED", `Cannot ${doing}: ${describe(error)}`, {
      ...details,
      hint: "the folder's owner and mode decide who may write there; `runsDir` names another place",
    });
  }
  return undefined;
}

/** PipelineError BAD_RUNS_DIR: the runs directory cannot be made where it should be. */
export function badRunsDir(runsDir: string, cause: unknown): OddsmithError {
  return pipelineError("BAD_RUNS_DIR", `Cannot create the run directory: ${describe(cause)}`, {
    location: { file: runsDir },
    hint: "`runsDir` names another place",
    cause,
  });
}

/** StageError OUTPUT_MISSING: `run` returned without outputs that its stage declares. */
export function outputsMissing(
  stageId: string,
  missing: readonly string[],
  returned: readonly string[],
): OddsmithError {
  const quoted = missing.map((port) => `"${port}"`).join(", ");
  return stageError(
    "OUTPUT_MISSING",
    `Cannot store the outputs of stage "${stageId}": run returned no ${quoted}`,
    {
      hint: returned.length === 0
        ? "run must return an object with a value for each declared output"
        : `it returned ${returned.map((port) => `"${port}"`).join(", ")}`,
    },
  );
}

/** StageError STUCK: `run` waits for a promise that nothing in the process can settle any more. */
export function stageStuck(stageId: string): OddsmithError {
  return stageError(
    "STUCK",
    `Cannot finish stage "${stageId}": it waits for something that can never happen`,
    { hint: "look for a promise that its code never resolves" },
  );
}

/** StageError OUTPUT_LINK: an artifact holds a symbolic link, whose content could change later. */
export function linkInOutput(path: string): OddsmithError {
  return stageError("OUTPUT_LINK", "Cannot store an output: it holds a symbolic link", {
    location: { file: path },
    hint: "write a copy of the file instead",
  });
}

/** StageError RUN_LOCKED: another run is making the very same result. */
export function runLocked(stageId: string, owner: LockOwner | undefined): OddsmithError {
  const who = owner ? `process ${owner.pid}, run ${owner.runId},` : "another process";
  return stageError(
    "RUN_LOCKED",
    `Cannot start stage "${stageId}": ${who} is making the same result`,
    { hint: "wait until it is finished, then run again: its result is reused" },
  );
}

/**
 * StageError SOURCE_MISSING or SOURCE_UNREADABLE: a file that a stage's result depends on is not
 * there, or may not be read. Undefined where the cause is another.
 */
export function sourceFault(
  stageId: string,
  path: string,
  cause: unknown,
): OddsmithError | undefined {
  const details = { location: { file: path }, cause };
  if (cause instanceof Deno.errors.NotFound) {
    return stageError(
      "SOURCE_MISSING",
      `Cannot use stage "${stageId}": a file it reads is missing`,
      {
        ...details,
        hint: "relative paths start at the pipeline file's folder",
      },
    );
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    const message = `Cannot use stage "${stageId}": a file it reads may not be read`;
    return stageError("SOURCE_UNREADABLE", message, {
      ...details,
      hint: "the file's owner and mode decide who may read it",
    });
  }
  return undefined;
}

/** StageError INPUT_NOT_STORED: `--only` names a stage whose inputs have not been made. */
export function inputNotStored(
  only: string,
  supplier: string,
  reason: string,
): OddsmithError {
  return stageError(
    "INPUT_NOT_STORED",
    `Cannot run only "${only}": what it needs of stage "${supplier}" is not stored (${reason})`,
    { hint: `run without --only, or with --until ${only}` },
  );
}

/** PipelineError UNKNOWN_STAGE_ID: --until, --only or --force names no stage of the pipeline. */
export function unknownStageId(
  option: string,
  id: string,
  known: readonly string[],
): OddsmithError {
  return pipelineError("UNKNOWN_STAGE_ID", `Cannot apply --${option}: there is no stage "${id}"`, {
    hint: suggest(id, known, "stages"),
  });
}

/** PipelineError SELECTION_CONFLICT: --until and --only together. */
export function selectionConflict(): OddsmithError {
  return pipelineError("SELECTION_CONFLICT", "Cannot apply --until and --only together", {
    hint: "--until runs everything up to a stage, --only that stage alone",
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
