/**
 * The errors of the runner: what can be wrong with a pipeline as a whole, with a stage while it
 * runs and with what is stored. Those of a pipeline file's text, of stage modules and of wiring
 * are beside it in load_errors.ts, stage_errors.ts and wire_errors.ts.
 */

import { type ErrorDetails, OddsmithError } from "../base/error.ts";

/** Makes a PipelineError: the pipeline, as written, cannot be used. */
export function pipelineError(
  code: string,
  message: string,
  details: ErrorDetails = {},
): OddsmithError {
  return new OddsmithError("PipelineError", code, message, details);
}

/** Makes a StageError: a stage's module or the stage itself is at fault. */
export function stageError(
  code: string,
  message: string,
  details: ErrorDetails = {},
): OddsmithError {
  return new OddsmithError("StageError", code, message, details);
}

/** Everything that is wrong with a pipeline, in the order of its file. */
export class PipelineProblems extends Error {
  /** At least one. */
  readonly problems: readonly OddsmithError[];

  /** Makes one error of at least one problem, sorted by place. */
  constructor(problems: readonly OddsmithError[]) {
    const rest = problems.length - 1;
    super(`${problems[0]?.message}${rest > 0 ? ` (and ${rest} more)` : ""}`);
    this.name = "PipelineProblems";
    this.problems = problems;
  }

  /** All problems as people read them, a blank line between, and their count where several. */
  format(): string {
    const texts = this.problems.map((problem) => problem.format());
    if (texts.length > 1) texts.push(`${texts.length} problems`);
    return texts.join("\n\n");
  }
}
