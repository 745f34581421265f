/** Errors of finding a stage: its name, its module, its export, the contract it was written for. */

import type { ErrorLocation, OddsmithError } from "../../base/error.ts";
import { suggest } from "../../base/suggest.ts";
import { API_VERSION } from "../contract.ts";
import { pipelineError, stageError } from "../errors.ts";

type Place = ErrorLocation | undefined;

/** A name no built-in stage has. */
export function unknownStage(
  name: string,
  known: Iterable<string>,
  location: Place,
): OddsmithError {
  return pipelineError(
    "UNKNOWN_STAGE",
    `Cannot find the stage "${name}": no built-in stage has this name`,
    {
      location,
      hint: suggest(name, known, "built-in stages"),
    },
  );
}

/** A stage's module that is not there. */
export function stageFileMissing(
  uses: string,
  name: string,
  siblings: readonly string[],
  location: Place,
): OddsmithError {
  return stageError("STAGE_FILE_MISSING", `Cannot load the stage "${uses}": no such file`, {
    location,
    hint: siblings.length === 0
      ? "paths start at the pipeline file's folder"
      : suggest(name, siblings, "modules there"),
  });
}

/** A folder where a stage's module should be. */
export function stageFileIsFolder(
  uses: string,
  modules: readonly string[],
  location: Place,
): OddsmithError {
  const dir = uses.replace(/\/$/, "");
  return stageError("STAGE_IS_FOLDER", `Cannot load the stage "${uses}": it is a folder`, {
    location,
    hint: modules.length === 0
      ? "name a module in it"
      : `name a module in it: ${modules.map((name) => `${dir}/${name}`).sort().join(", ")}`,
  });
}

/** A URL of a kind that stages are not loaded from. */
export function unsupportedSpecifier(uses: string, location: Place): OddsmithError {
  return stageError(
    "UNSUPPORTED_SPECIFIER",
    `Cannot load the stage "${uses}": stages come from a path, npm: or jsr:`,
    { location, hint: "download the module, and write its path" },
  );
}

/** A stage's module that fails while it is imported; `inside` is the place in the module. */
export function stageImportFailed(
  uses: string,
  reason: string,
  inside: string | undefined,
  location: Place,
  cause: unknown,
): OddsmithError {
  return stageError("STAGE_IMPORT_FAILED", `Cannot load the stage "${uses}": ${reason}`, {
    location,
    hint: inside !== undefined
      ? `the error is at ${inside}`
      : /^(npm|jsr):/.test(uses)
      ? "check the package's name and version, and that its registry can be reached"
      : undefined,
    cause,
  });
}

/** A stage's module without the export asked for. */
export function stageExportMissing(
  uses: string,
  name: string,
  exports: readonly string[],
  location: Place,
): OddsmithError {
  const what = name === "default" ? "a default export" : `an export "${name}"`;
  const [specifier] = uses.split("#");
  const known = exports.map((one) => one === "default" ? specifier! : `${specifier}#${one}`);
  const message = `Cannot load the stage "${uses}": the module is without ${what}`;
  return stageError("STAGE_EXPORT_MISSING", message, {
    location,
    hint: name === "default" && known.length > 0
      ? `exports there: ${known.sort().join(", ")}`
      : suggest(uses, known, "exports there"),
  });
}

/** A stage written for another version of the contract. */
export function apiVersionMismatch(
  uses: string,
  received: unknown,
  location: Place,
): OddsmithError {
  return stageError(
    "API_VERSION",
    `Cannot load the stage "${uses}": it is written for apiVersion ${String(received)}, ` +
      `this Oddsmith has apiVersion ${API_VERSION}`,
    {
      location,
      hint: Number(received) > API_VERSION
        ? "use a newer Oddsmith or an older version of the stage"
        : "use a newer version of the stage",
    },
  );
}

/** An export that is no stage. */
export function notAStage(uses: string, faults: readonly string[], location: Place): OddsmithError {
  return stageError("NOT_A_STAGE", `Cannot load the stage "${uses}": ${faults.join("; ")}`, {
    location,
    hint: "`oddsmith new stage <file>` writes one that works",
  });
}

/** A stage's check of its files that failed with something other than its own error. */
export function sourcesFailed(stageId: string, cause: unknown, location: Place): OddsmithError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return stageError("SOURCES_FAILED", `Cannot check the files of stage "${stageId}": ${reason}`, {
    location,
    cause,
  });
}

/** A stage's schema that throws instead of returning issues. */
export function schemaFailed(stageId: string, cause: unknown, location: Place): OddsmithError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return stageError(
    "SCHEMA_FAILED",
    `Cannot check the options of stage "${stageId}": its schema throws: ${reason}`,
    {
      location,
      cause,
    },
  );
}

/** A configuration that cannot be written down, so that no cache key can be made of it. */
export function configNotJson(stageId: string, path: string, location: Place): OddsmithError {
  return stageError(
    "CONFIG_NOT_JSON",
    `Cannot record the options of stage "${stageId}": its schema turns "${path}" into what JSON cannot hold`,
    { location, hint: "let the schema give plain data, and convert it inside run" },
  );
}

/** A stage that needs a GPU in a pipeline that asks for another device. */
export function needsGpu(stageId: string, device: string, location: Place): OddsmithError {
  return pipelineError(
    "NEEDS_GPU",
    `Cannot run stage "${stageId}" on the device "${device}": it needs a GPU`,
    {
      location,
      hint: "write device: auto or device: webgpu",
    },
  );
}

/** A stage that needs the network in a process that may not use it. */
export function needsNet(stageId: string, location: Place): OddsmithError {
  return pipelineError(
    "NEEDS_NET",
    `Cannot run stage "${stageId}": it needs the network, which is denied`,
    {
      location,
      hint: "run Deno without --deny-net, or with --allow-net",
    },
  );
}
