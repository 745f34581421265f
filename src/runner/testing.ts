/**
 * For authors of stages: checks that a stage keeps the contract, and runs it on values. Meant for
 * tests; a pipeline never imports it.
 */

import { AssertionError } from "@std/assert";
import { join } from "@std/path";
import { type ArtifactInfo, checkArtifactFiles } from "./store/artifact_files.ts";
import { type AnyStage, API_VERSION, type ArtifactType } from "./contract.ts";
import type { Dataset } from "./dataset.ts";
import { stageFaults } from "./load/stage_contract.ts";
import {
  datasetOf,
  resolveConfig,
  type StageTrial,
  type TrialOptions,
  tryStage,
  writeArtifact,
} from "./stage_trial.ts";

export { datasetOf, resolveConfig, tryStage };
export type { ArtifactFile, ArtifactInfo } from "./store/artifact_files.ts";
export type {
  InputValues,
  OutputHandles,
  PortType,
  StageTrial,
  TrialOptions,
  ValueOf,
} from "./stage_trial.ts";

/** A case to hold a stage to its contract with. */
export interface ContractCase<S extends AnyStage> extends Omit<TrialOptions<S>, "signal"> {
  /** False for a stage that makes something else each time, and so says `cache: "never"`. */
  readonly deterministic?: boolean;
}

/**
 * Asserts that a stage keeps the contract that the runner and pipelines rely on:
 *
 * - it has every field, and is written for this apiVersion;
 * - its schema accepts the case's options, refuses unknown ones, accepts the configuration it
 *   resolved once more, and offers a JSON Schema with a description for every option;
 * - `run` returns every output and nothing else; what is written can be read, and written again
 *   with the same bytes;
 * - two runs on the same inputs make the same bytes, and leave the inputs as they were;
 * - progress and records are plain data, and `done` does not pass `total`;
 * - it stops, with the signal's reason, when it is interrupted.
 *
 * @example
 * ```ts ignore
 * Deno.test("dedupe: keeps the stage contract", async () => {
 *   await assertStageContract(dedupe, { inputs: { pairs: datasetOf({ train: [pair] }) } });
 * });
 * ```
 *
 * @throws {AssertionError} Naming what is broken and what to do.
 */
export async function assertStageContract<S extends AnyStage>(
  stage: S,
  example: ContractCase<S> = {},
): Promise<void> {
  assertShape(stage);
  await assertConfig(stage, example.config ?? {});
  await using first = await trial(stage, example);
  assertNotes(stage, first);
  await assertReadable(stage, first);
  if (example.deterministic ?? stage.cache !== "never") {
    await using second = await trial(stage, example);
    assertSameArtifacts(stage, first.artifacts, second.artifacts);
  }
  await assertStops(stage, example);
}

function broken(stage: AnyStage, what: string, cause?: unknown): AssertionError {
  const error = new AssertionError(`stage "${stage.name}": ${what}`);
  error.cause = cause;
  return error;
}

function assertShape(stage: AnyStage): void {
  const faults = stageFaults(stage);
  if (faults.length > 0) throw broken(stage, faults.join("; "));
  if (stage.apiVersion !== API_VERSION) {
    throw broken(stage, `apiVersion is ${stage.apiVersion}, this Oddsmith has ${API_VERSION}`);
  }
  if (!/^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/.test(stage.name)) {
    throw broken(stage, `the name must be lower-case letters, digits, "-" or "_"`);
  }
  if (!/^\d+(\.\d+)*/.test(stage.version)) {
    throw broken(stage, `version "${stage.version}" must start with a number, as "1" or "1.0.0"`);
  }
  if (Object.keys(stage.outputs).length === 0) throw broken(stage, "it declares no outputs");
}

async function assertConfig(stage: AnyStage, options: unknown): Promise<void> {
  const resolved = await resolveConfig(stage, options).catch((error) => {
    throw broken(stage, `its schema refuses the case's options: ${error.message}`, error);
  });
  const json = JSON.parse(JSON.stringify(resolved));
  await resolveConfig(stage, json).catch((error) => {
    throw broken(
      stage,
      `its schema refuses the configuration that it resolved itself (a run's pipeline.json could ` +
        `not be run again): ${error.message}`,
      error,
    );
  });
  const unknown = { ...options as object, "no-such-option": true };
  const refused = await resolveConfig(stage, unknown).then(() => false, () => true);
  if (!refused) {
    throw broken(
      stage,
      "its schema accepts unknown options: use z.strictObject, so that a typo shows",
    );
  }
  assertJsonSchema(stage);
}

function assertJsonSchema(stage: AnyStage): void {
  const offer = stage.config["~standard"].jsonSchema;
  if (!offer) {
    throw broken(
      stage,
      "its schema offers no JSON Schema: `schema` and editors need it (zod 4 has it)",
    );
  }
  const schema = offer.input({ target: "draft-2020-12" });
  const options = (schema.properties ?? {}) as Record<string, { description?: unknown }>;
  const bare = Object.keys(options).filter((name) =>
    typeof options[name]?.description !== "string"
  );
  if (bare.length > 0) {
    throw broken(stage, `options without a description: ${bare.join(", ")} (use .describe())`);
  }
}

async function trial<S extends AnyStage>(
  stage: S,
  options: TrialOptions<S>,
): Promise<StageTrial<S>> {
  try {
    return await tryStage(stage, options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw broken(stage, `it fails on the case: ${reason}`, error);
  }
}

function assertNotes(stage: AnyStage, { progress, ...notes }: StageTrial<AnyStage>): void {
  for (const { unit, done, total } of progress) {
    if (!Number.isFinite(done) || unit === "" || (total !== undefined && done > total)) {
      throw broken(stage, `it reports impossible progress: ${done} of ${total} "${unit}"`);
    }
  }
  for (const [what, value] of [["record", notes.record], ["metrics", notes.metrics]] as const) {
    const path = notJson(value, what);
    if (path !== undefined) {
      throw broken(stage, `it passes to ${what} what JSON cannot hold, at "${path}"`);
    }
  }
}

/** The path of the first member that JSON would lose or change. */
function notJson(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : path;
  if (typeof value !== "object") return path;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain) return path;
  for (const [key, member] of Object.entries(value)) {
    const found = notJson(member, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Reads every output, and writes what was read once more where its type takes it back. */
async function assertReadable(stage: AnyStage, first: StageTrial<AnyStage>): Promise<void> {
  for (const [port, type] of Object.entries<ArtifactType<unknown, unknown>>(stage.outputs)) {
    const handle = first.outputs[port]!;
    const value = await handle.read().catch((error: unknown) => {
      throw broken(stage, `its output "${port}" cannot be read back: ${error}`, error);
    });
    const again = await rewrite(type, value);
    if (again) assertSameFiles(stage, port, first.artifacts[port]!, again, "written once more");
    const state = await checkArtifactFiles(handle.dir, first.artifacts[port]!, true);
    if (state.state === "damaged") {
      throw broken(stage, `reading its output "${port}" changes it: ${state.why}`);
    }
  }
}

async function rewrite(
  type: ArtifactType<unknown, unknown>,
  value: unknown,
): Promise<ArtifactInfo | undefined> {
  const dir = await Deno.makeTempDir();
  try {
    if (!isDataset(value)) return await writeArtifact(type, value, join(dir, "again"));
    const train = await Array.fromAsync(value.rows("train"));
    const evaluation = await Array.fromAsync(value.rows("eval"));
    const draft = datasetOf({ train, eval: evaluation }, value.stats);
    return await writeArtifact(type, draft, join(dir, "again"));
  } catch {
    // A type may read another value than it writes; then there is nothing to write again.
    return undefined;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function isDataset(value: unknown): value is Dataset<unknown> {
  return typeof value === "object" && value !== null && "rows" in value &&
    typeof value.rows === "function" && "counts" in value;
}

function assertSameArtifacts(
  stage: AnyStage,
  first: Readonly<Record<string, ArtifactInfo>>,
  second: Readonly<Record<string, ArtifactInfo>>,
): void {
  for (const port of Object.keys(first)) {
    assertSameFiles(stage, port, first[port]!, second[port]!, "made by a second run");
  }
}

function assertSameFiles(
  stage: AnyStage,
  port: string,
  first: ArtifactInfo,
  second: ArtifactInfo,
  how: string,
): void {
  if (first.digest === second.digest) return;
  const digests = new Map(second.files.map((file) => [file.path, file.sha256]));
  const different = first.files.filter((file) => digests.get(file.path) !== file.sha256)
    .map((file) => file.path);
  const names = (different.length > 0 ? different : second.files.map((file) => file.path)).join(
    ", ",
  );
  throw broken(
    stage,
    `its output "${port}" has other bytes when ${how} (${names}): take randomness from ctx.seed, ` +
      `and keep times and paths out of outputs`,
  );
}

async function assertStops<S extends AnyStage>(stage: S, example: ContractCase<S>): Promise<void> {
  const reason = new Error("interrupted by assertStageContract");
  const attempt = await tryStage(stage, { ...example, signal: AbortSignal.abort(reason) }).catch(
    (error: unknown) => error,
  );
  if (attempt === reason) return;
  if (attempt instanceof Error) {
    throw broken(
      stage,
      `interrupted, it throws "${attempt.message}": throw ctx.signal.reason`,
      attempt,
    );
  }
  await (attempt as StageTrial<S>)[Symbol.asyncDispose]();
  throw broken(
    stage,
    "it ignores an interrupt: call ctx.signal.throwIfAborted() at its start and in its loops",
  );
}
