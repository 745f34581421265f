/** The exit codes scripts rely on, and which of them an error earns. */

import { OddsmithError } from "../base/error.ts";
import { PipelineProblems } from "../runner/errors.ts";

/** Exit codes by meaning. */
export const EXIT = {
  ok: 0,
  stageFailed: 1,
  badUsage: 2,
  noDevice: 3,
  interrupted: 130,
} as const;

/** One of `EXIT`'s values. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const DEVICE_CODES: readonly string[] = ["NO_ADAPTER", "BACKEND_FAILED"];
const USAGE_KINDS: readonly string[] = ["UsageError", "PipelineError"];
const USAGE_CODES: readonly string[] = [
  "RUN_NOT_FOUND",
  "RUN_AMBIGUOUS",
  "UNKNOWN_ARTIFACT",
  "TARGET_EXISTS",
  "BAD_TARGET",
  "NO_LORA_ADAPTER",
];

/** The exit code an error earns, looking through its causes for a device that is not there. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof PipelineProblems) return EXIT.badUsage;
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof OddsmithError && DEVICE_CODES.includes(at.code)) return EXIT.noDevice;
  }
  const isUsage = error instanceof OddsmithError &&
    (USAGE_KINDS.includes(error.kind) || USAGE_CODES.includes(error.code));
  return isUsage ? EXIT.badUsage : EXIT.stageFailed;
}
