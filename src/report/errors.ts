/** The report layer's errors, made in one place. */

import { OddsmithError } from "../base/error.ts";

/** A file of a training log or an evaluation that can't be read. */
export function badReportFile(
  file: string,
  row: number | undefined,
  cause: unknown,
): OddsmithError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OddsmithError("ReportError", "BAD_FILE", `Cannot read a report's input: ${reason}`, {
    location: { file, row },
    hint: "run the stage that wrote it again with --force",
    cause,
  });
}
