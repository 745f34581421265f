/** exitCodeOf: which error earns which code. */

import { assertEquals } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { exitCodeOf } from "../../src/cli/exit_code.ts";
import { PipelineProblems, stageError } from "../../src/runner/errors.ts";
import { stageFailed } from "../../src/runner/run/run_errors.ts";
import { noAdapter } from "../../src/tensor/errors.ts";

const AT = {
  stageId: "orpo",
  step: "running",
  path: "runs",
  resume: "run it again",
  log: "log.txt",
};

Deno.test("exitCodeOf: 3 for a missing device, however it was wrapped", () => {
  assertEquals(exitCodeOf(noAdapter()), 3);
  assertEquals(exitCodeOf(stageFailed(noAdapter(), AT)), 3);
  assertEquals(exitCodeOf(new Error("outer", { cause: noAdapter() })), 3);
});

Deno.test("exitCodeOf: 2 for what the user wrote, 1 for everything else", () => {
  const pipeline = new OddsmithError("PipelineError", "CYCLE", "Cannot order");
  assertEquals(exitCodeOf(pipeline), 2);
  assertEquals(exitCodeOf(new PipelineProblems([stageError("NOT_A_STAGE", "Cannot load")])), 2);
  assertEquals(exitCodeOf(new OddsmithError("RunError", "RUN_NOT_FOUND", "Cannot find")), 2);
  assertEquals(exitCodeOf(stageFailed(new Error("bug"), AT)), 1);
  assertEquals(exitCodeOf(new TypeError("bug")), 1);
});
