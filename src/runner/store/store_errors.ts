/** The errors of looking at what earlier runs left: runs, their manifests and their artifacts. */

import { OddsmithError } from "../../base/error.ts";
import { suggest } from "../../base/suggest.ts";

function runError(code: string, message: string, file?: string, hint?: string, cause?: unknown) {
  const location = file === undefined ? undefined : { file };
  return new OddsmithError("RunError", code, message, { location, hint, cause });
}

/** RunError RUN_NOT_FOUND: no run has that id, or there is no run at all. */
export function runNotFound(which: string, runsDir: string, ids: readonly string[]): OddsmithError {
  if (ids.length === 0) {
    return runError(
      "RUN_NOT_FOUND",
      `Cannot find run "${which}": no runs yet`,
      runsDir,
      "`oddsmith run <pipeline file>` makes one",
    );
  }
  return runError(
    "RUN_NOT_FOUND",
    `Cannot find run "${which}": no run's id starts or ends with it`,
    runsDir,
    suggest(which, ids.slice(0, 10), "newest runs"),
  );
}

/** RunError RUN_AMBIGUOUS: several runs' ids start or end with what was given. */
export function runAmbiguous(
  which: string,
  runsDir: string,
  ids: readonly string[],
): OddsmithError {
  return runError(
    "RUN_AMBIGUOUS",
    `Cannot choose run "${which}": ${ids.length} runs match`,
    runsDir,
    ids.slice(0, 10).join(", "),
  );
}

/** RunError BAD_MANIFEST: a run's manifest.json cannot be understood. */
export function badManifest(file: string, why: string, cause?: unknown): OddsmithError {
  return runError(
    "BAD_MANIFEST",
    `Cannot read the run's manifest: ${why}`,
    file,
    "the file was changed by hand or comes from another version; its folder can be deleted",
    cause,
  );
}

/** RunError UNKNOWN_ARTIFACT: a run has no such stage, or the stage no such output. */
export function unknownArtifact(
  ref: string,
  runId: string,
  known: readonly string[],
): OddsmithError {
  return runError(
    "UNKNOWN_ARTIFACT",
    `Cannot find artifact "${ref}" in run ${runId}`,
    undefined,
    suggest(ref, known, "artifacts"),
  );
}

/** RunError ARTIFACT_GONE: the manifest names an artifact that the store no longer holds whole. */
export function artifactGone(ref: string, dir: string, why: string): OddsmithError {
  return runError(
    "ARTIFACT_GONE",
    `Cannot use artifact "${ref}": it is ${why}`,
    dir,
    "run the pipeline again: what is missing is made anew",
  );
}
