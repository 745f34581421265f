/** Errors of a pipeline file's text: reading it, its keys, its options, `--set`. */

import type { ErrorLocation, OddsmithError } from "../../base/error.ts";
import { suggest } from "../../base/suggest.ts";
import { describeValue } from "../plan/describe.ts";
import { pipelineError } from "../errors.ts";

type Place = ErrorLocation | undefined;

/** The pipeline file is not there. */
export function fileMissing(
  file: string,
  siblings: readonly string[],
  name: string,
): OddsmithError {
  return pipelineError("FILE_MISSING", `Cannot read the pipeline "${file}": no such file`, {
    location: { file },
    hint: siblings.length === 0
      ? "the folder holds no pipeline files"
      : suggest(name, siblings, "pipeline files there"),
  });
}

/** A folder was given for a pipeline file. */
export function fileIsFolder(file: string, inside: readonly string[]): OddsmithError {
  return pipelineError("FILE_IS_FOLDER", `Cannot read the pipeline "${file}": it is a folder`, {
    location: { file },
    hint: inside.length === 0
      ? "the folder holds no pipeline files"
      : `pipeline files in it: ${inside.join(", ")}`,
  });
}

/** The operating system refused to read the file. */
export function fileUnreadable(file: string, cause: unknown): OddsmithError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return pipelineError("FILE_UNREADABLE", `Cannot read the pipeline "${file}": ${reason}`, {
    location: { file },
    hint: "check the file's permissions, and that Deno runs with --allow-read",
    cause,
  });
}

/** Deno refuses the YAML parser the environment variables of its debugging switches. */
export function envDenied(cause: unknown): OddsmithError {
  return pipelineError("ENV_DENIED", "Cannot parse YAML: the parser may not read the environment", {
    hint: "run Deno with --ignore-env, or with --allow-env=LOG_TOKENS,LOG_STREAM",
    cause,
  });
}

/** The file's name ends in nothing that is a pipeline. */
export function unknownFormat(file: string, extension: string): OddsmithError {
  return pipelineError(
    "UNKNOWN_FORMAT",
    `Cannot read the pipeline "${file}": files that end in "${extension}" are no pipelines`,
    { location: { file }, hint: "pipelines end in .yaml, .yml, .json, .ts, .mts, .js or .mjs" },
  );
}

/** A byte that is no part of UTF-8 text. */
export function badUtf8(byte: number, location: ErrorLocation): OddsmithError {
  const hex = `0x${byte.toString(16).padStart(2, "0")}`;
  return pipelineError("BAD_UTF8", `Cannot read the pipeline: byte ${hex} is not UTF-8`, {
    location,
    hint: "save the file as UTF-8",
  });
}

/** Text that is not YAML or JSON. */
export function malformed(
  format: "YAML" | "JSON",
  reason: string,
  location: ErrorLocation,
): OddsmithError {
  return pipelineError("MALFORMED", `Cannot read the pipeline as ${format}: ${reason}`, {
    location,
  });
}

/** A TypeScript pipeline whose module fails. */
export function moduleFailed(
  file: string,
  reason: string,
  location: Place,
  cause: unknown,
): OddsmithError {
  return pipelineError("MODULE_FAILED", `Cannot import the pipeline "${file}": ${reason}`, {
    location: location ?? { file },
    cause,
  });
}

/** A TypeScript pipeline that exports no pipeline. */
export function noDefaultExport(file: string): OddsmithError {
  return pipelineError(
    "NO_DEFAULT_EXPORT",
    `Cannot use the pipeline "${file}": it has no default export`,
    {
      location: { file },
      hint: `write "export default definePipeline(...)"`,
    },
  );
}

/** A key of the file with a value of the wrong type. */
export function wrongType(
  what: string,
  wanted: string,
  received: unknown,
  location: Place,
): OddsmithError {
  return pipelineError(
    "WRONG_TYPE",
    `Cannot use ${what}: expected ${wanted}, received ${describeValue(received)}`,
    { location },
  );
}

/** A key that has to be there and is not. */
export function missingKey(
  key: string,
  where: string,
  hint: string,
  location: Place,
): OddsmithError {
  return pipelineError("MISSING_KEY", `Cannot use ${where}: "${key}" is missing`, {
    location,
    hint,
  });
}

/** A key that means nothing. */
export function unknownKey(
  key: string,
  where: string,
  known: readonly string[],
  location: Place,
): OddsmithError {
  return pipelineError("UNKNOWN_KEY", `Cannot use ${where}: unknown key "${key}"`, {
    location,
    hint: suggest(key, known, "keys"),
  });
}

/** A device that no backend is for. */
export function unknownDevice(
  device: string,
  known: readonly string[],
  location: Place,
): OddsmithError {
  return pipelineError("UNKNOWN_DEVICE", `Cannot use the device "${device}": no such device`, {
    location,
    hint: suggest(device, known, "devices"),
  });
}

/** A pipeline without stages. */
export function noStages(location: Place): OddsmithError {
  return pipelineError("NO_STAGES", `Cannot use the pipeline: "stages" is empty`, {
    location,
    hint: `write one entry a stage, e.g. "- uses: ingest"`,
  });
}

/** A name or id that cannot be part of a folder's name or of a reference. */
export function badName(what: string, name: string, location: Place): OddsmithError {
  const slug = name.trim().replaceAll(/[^A-Za-z0-9_-]+/g, "-").replace(/^[-_]+|-+$/g, "");
  return pipelineError(
    "BAD_NAME",
    `Cannot use the ${what} ${describeValue(name)}: expected letters, digits, "-" and "_"`,
    { location, hint: slug === "" ? undefined : `write "${slug}"` },
  );
}

/** Two stages of one id. */
export function duplicateId(id: string, earlier: Place, location: Place): OddsmithError {
  const line = earlier?.line === undefined ? "" : ` on line ${earlier.line}`;
  return pipelineError(
    "DUPLICATE_ID",
    `Cannot use the id "${id}" twice: an earlier stage${line} has it`,
    {
      location,
      hint: `give one of them another, e.g. "id: ${id}-2"`,
    },
  );
}

/** An option that the stage's schema refuses. */
export function badOption(
  option: string,
  stageId: string,
  reason: string,
  nearest: string | undefined,
  location: Place,
): OddsmithError {
  const stage = `stage "${stageId}"`;
  const what = option === "" ? `the options of ${stage}` : `option "${option}" of ${stage}`;
  return pipelineError("BAD_OPTION", `Cannot use ${what}: ${reason}`, {
    location,
    hint: nearest && `did you mean "${nearest}"?`,
  });
}

/** An option that the stage does not have. */
export function unknownOption(
  option: string,
  stageId: string,
  known: readonly string[] | undefined,
  location: Place,
): OddsmithError {
  const name = option.slice(option.lastIndexOf(".") + 1);
  return pipelineError(
    "UNKNOWN_OPTION",
    `Cannot use option "${option}" of stage "${stageId}": no such option`,
    {
      location,
      hint: known && suggest(name, known, "options"),
    },
  );
}

/** An option that the stage cannot do without. */
export function missingOption(
  option: string,
  stageId: string,
  wanted: string,
  location: Place,
): OddsmithError {
  return pipelineError(
    "MISSING_OPTION",
    `Cannot use stage "${stageId}": its option "${option}" is missing${
      wanted === "" ? "" : `, ${wanted}`
    }`,
    { location, hint: `write it under "with:"` },
  );
}

/** A `--set` that is not `key=value`, or sets what cannot be set. */
export function badOverride(given: string, reason: string, hint: string): OddsmithError {
  return pipelineError("BAD_OVERRIDE", `Cannot use ${given}: ${reason}`, { hint });
}
