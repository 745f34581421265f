/** From what `uses` says to the stage: built in, from a module, or an object of a typed pipeline. */

import { basename, dirname, fromFileUrl, resolve, toFileUrl } from "@std/path";
import { type ErrorLocation, formatLocation } from "../../base/error.ts";
import type { AnyStage } from "../contract.ts";
import { importPlace, importReason } from "./module_place.ts";
import { shownPath } from "./pipeline_source.ts";
import { localImports, moduleGraphDigest } from "./plugin_source.ts";
import { hasApiVersion, stageFaults } from "./stage_contract.ts";
import {
  apiVersionMismatch,
  notAStage,
  stageExportMissing,
  stageFileIsFolder,
  stageFileMissing,
  stageImportFailed,
  unknownStage,
  unsupportedSpecifier,
} from "./stage_errors.ts";

/** A stage that was found. */
export interface LoadedStage {
  readonly stage: AnyStage;
  /** sha256 of a local module's graph; absent for built-in stages and for registries' modules. */
  readonly sourceDigest?: string;
}

/** What finding a stage depends on beside its name. */
export interface StageScope {
  readonly registry: ReadonlyMap<string, AnyStage>;
  /** Absolute; where relative paths start. */
  readonly baseDir: string;
  /** The pipeline's own module, where it is one. */
  readonly file?: string;
  readonly cwd: string;
}

const URL_SCHEME = /^(https?|data|blob|node):/;
const LOCAL = /^(\.{0,2}\/|file:|[A-Za-z]:[\\/])|\.(m?[jt]s|[jt]sx)(#|$)/;
const REGISTRY = /^(npm|jsr):/;

/**
 * Finds a stage and checks it against the contract.
 *
 * @throws {OddsmithError} UNKNOWN_STAGE, UNSUPPORTED_SPECIFIER, STAGE_FILE_MISSING,
 * STAGE_IMPORT_FAILED, STAGE_EXPORT_MISSING, API_VERSION or NOT_A_STAGE.
 */
export async function loadStage(
  uses: string | AnyStage,
  scope: StageScope,
  location: ErrorLocation | undefined,
): Promise<LoadedStage> {
  if (typeof uses !== "string") return await givenStage(uses, scope, location);
  if (URL_SCHEME.test(uses)) throw unsupportedSpecifier(uses, location);
  if (!LOCAL.test(uses) && !REGISTRY.test(uses)) {
    const stage = scope.registry.get(uses);
    if (stage === undefined) throw unknownStage(uses, scope.registry.keys(), location);
    return { stage };
  }
  const hash = uses.indexOf("#");
  const specifier = hash < 0 ? uses : uses.slice(0, hash);
  const file = REGISTRY.test(uses) ? undefined : modulePath(specifier, scope.baseDir);
  if (file !== undefined) await checkModuleFile(uses, file, location);
  const module = await importModule(uses, file ? toFileUrl(file).href : specifier, scope, location);
  const name = hash < 0 ? "default" : uses.slice(hash + 1);
  if (!Object.hasOwn(module, name)) {
    throw stageExportMissing(uses, name, Object.keys(module), location);
  }
  const stage = checkStage(module[name], uses, location);
  return file === undefined ? { stage } : { stage, sourceDigest: await moduleGraphDigest(file) };
}

/** Checks a value against the contract, its apiVersion first: other versions have other fields. */
function checkStage(value: unknown, uses: string, location: ErrorLocation | undefined): AnyStage {
  const apiVersion = (value as { apiVersion?: unknown } | null)?.apiVersion;
  if (typeof apiVersion === "number" && !hasApiVersion(value)) {
    throw apiVersionMismatch(uses, apiVersion, location);
  }
  const faults = stageFaults(value);
  if (faults.length > 0) throw notAStage(uses, faults, location);
  return value as AnyStage;
}

function modulePath(specifier: string, baseDir: string): string {
  return specifier.startsWith("file:") ? fromFileUrl(specifier) : resolve(baseDir, specifier);
}

async function checkModuleFile(
  uses: string,
  file: string,
  location: ErrorLocation | undefined,
): Promise<void> {
  const info = await Deno.stat(file).catch(() => undefined);
  if (info?.isFile) return;
  if (info?.isDirectory) throw stageFileIsFolder(uses, await modulesIn(file), location);
  throw stageFileMissing(uses, basename(file), await modulesIn(dirname(file)), location);
}

/** Names of the modules in a folder; none where there is no such folder. */
async function modulesIn(dir: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir)).catch(() => []);
  return entries.filter(({ isFile, name }) => isFile && LOCAL.test(name)).map(({ name }) => name);
}

async function importModule(
  uses: string,
  url: string,
  scope: StageScope,
  location: ErrorLocation | undefined,
): Promise<Record<string, unknown>> {
  try {
    return await import(url);
  } catch (error) {
    const place = importPlace(error, scope.cwd);
    // An error without a place of its own has that of the import above.
    const isHere = place?.file === shownPath(fromFileUrl(import.meta.url), scope.cwd);
    const inside = place && !isHere ? formatLocation(place) : undefined;
    throw stageImportFailed(uses, importReason(error), inside, location, error);
  }
}

/** A stage object; where it is no built-in one, the digest of the local module it comes from. */
async function givenStage(
  value: AnyStage,
  scope: StageScope,
  location: ErrorLocation | undefined,
): Promise<LoadedStage> {
  const name = typeof value.name === "string" && value.name !== "" ? value.name : "(unnamed)";
  const stage = checkStage(value, name, location);
  if (scope.registry.get(stage.name) === stage || scope.file === undefined) return { stage };
  return { stage, sourceDigest: await moduleGraphDigest(await definingModule(stage, scope.file)) };
}

/** The module that the pipeline imports the stage from, or its own where it makes the stage. */
async function definingModule(stage: AnyStage, pipelineFile: string): Promise<string> {
  for (const file of await localImports(pipelineFile)) {
    const module = await import(toFileUrl(file).href).catch(() => ({}));
    if (Object.values(module).includes(stage)) return file;
  }
  return pipelineFile;
}
