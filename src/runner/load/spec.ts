/**
 * The shape of a pipeline file: its keys and their types. Makes drafts of the stages, which say
 * what was written and where; finds no stage and checks no option.
 */

import type { ErrorLocation, OddsmithError } from "../../base/error.ts";
import type { AnyStage } from "../contract.ts";
import {
  badName,
  missingKey,
  noStages,
  unknownDevice,
  unknownKey,
  wrongType,
} from "./load_errors.ts";
import type { NodePath, PipelineSource } from "./pipeline_source.ts";

/** The devices a pipeline can ask for. */
export const DEVICES: readonly string[] = ["auto", "webgpu", "wasm", "cpu"];

/** The seed where a pipeline names none. */
export const DEFAULT_SEED = 42;

/** Keys of a pipeline file. `$schema` is for editors and has no meaning here. */
const PIPELINE_KEYS: readonly string[] = ["name", "seed", "device", "runsDir", "stages"];

/** Keys of one entry of `stages`. */
const ENTRY_KEYS: readonly string[] = ["uses", "id", "inputs", "with"];

/** One entry of `stages`, as written. */
export interface StageDraft {
  /** A name, a specifier, or a stage itself (typed pipelines). */
  readonly uses: string | AnyStage;
  readonly id?: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** What `with` says, with `--set` applied. */
  options: Readonly<Record<string, unknown>>;
  /** The place of something in the entry. */
  at(path: NodePath, part?: "key" | "value"): ErrorLocation | undefined;
}

/** A pipeline as written; a stage is undefined where its entry cannot be used at all. */
export interface PipelineDraft {
  readonly name: string;
  readonly seed: number;
  readonly device: string;
  readonly runsDir?: string;
  readonly stages: readonly (StageDraft | undefined)[];
}

/** True of names that can be part of a folder's name and of a reference. */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(text);
}

/** Checks the shape of a pipeline; what is wrong goes to `problems`. */
export function draftPipeline(source: PipelineSource, problems: OddsmithError[]): PipelineDraft {
  const draft = { name: "", seed: DEFAULT_SEED, device: "auto", stages: [] };
  const { value } = source;
  if (!isMap(value)) {
    problems.push(wrongType("the pipeline", "a map with name and stages", value, source.place([])));
    return draft;
  }
  for (const key of Object.keys(value)) {
    if (key === "$schema" || PIPELINE_KEYS.includes(key)) continue;
    problems.push(unknownKey(key, "the pipeline", PIPELINE_KEYS, source.place([key], "key")));
  }
  return {
    ...draft,
    ...draftSettings(value, source, problems),
    stages: draftStages(value.stages, source, problems),
  };
}

function draftSettings(
  value: Record<string, unknown>,
  source: PipelineSource,
  problems: OddsmithError[],
): Partial<PipelineDraft> {
  const { name, seed, device, runsDir } = value;
  const refuse = (key: string, wanted: string) =>
    problems.push(wrongType(`"${key}"`, wanted, value[key], source.place([key])));
  if (name === undefined) {
    const hint = `write "name: my-pipeline" at the top`;
    problems.push(missingKey("name", "the pipeline", hint, source.place([])));
  } else if (typeof name !== "string") {
    refuse("name", "text");
  } else if (!isName(name)) {
    problems.push(badName("pipeline name", name, source.place(["name"])));
  }
  if (seed !== undefined && !(Number.isSafeInteger(seed) && (seed as number) >= 0)) {
    refuse("seed", "a whole number from 0");
  }
  if (device !== undefined && typeof device !== "string") {
    refuse("device", "text");
  } else if (device !== undefined && !DEVICES.includes(device)) {
    problems.push(unknownDevice(device, DEVICES, source.place(["device"])));
  }
  if (runsDir !== undefined && (typeof runsDir !== "string" || runsDir === "")) {
    refuse("runsDir", "a folder's path");
  }
  return Object.fromEntries(
    Object.entries({ name, seed, device, runsDir }).filter(([, set]) => set !== undefined),
  );
}

function draftStages(
  stages: unknown,
  source: PipelineSource,
  problems: OddsmithError[],
): (StageDraft | undefined)[] {
  if (stages === undefined) {
    const hint = `write "stages:" and one entry a stage, e.g. "- uses: ingest"`;
    problems.push(missingKey("stages", "the pipeline", hint, source.place([])));
    return [];
  }
  if (!Array.isArray(stages)) {
    problems.push(wrongType(`"stages"`, "a list of stages", stages, source.place(["stages"])));
    return [];
  }
  if (stages.length === 0) problems.push(noStages(source.place(["stages"], "key")));
  return stages.map((entry, index) => draftStage(entry, index, source, problems));
}

function draftStage(
  entry: unknown,
  index: number,
  source: PipelineSource,
  problems: OddsmithError[],
): StageDraft | undefined {
  const at: StageDraft["at"] = (path, part) => source.place(["stages", index, ...path], part);
  const where = `stage ${index + 1}`;
  if (!isMap(entry)) {
    problems.push(wrongType(where, `a map, e.g. "uses: ingest"`, entry, at([])));
    return undefined;
  }
  for (const key of Object.keys(entry)) {
    if (!ENTRY_KEYS.includes(key)) {
      problems.push(unknownKey(key, where, ENTRY_KEYS, at([key], "key")));
    }
  }
  const { uses, id } = entry;
  if (id !== undefined && typeof id !== "string") {
    problems.push(wrongType(`"id" of ${where}`, "text", id, at(["id"])));
  } else if (id !== undefined && !isName(id)) {
    problems.push(badName("stage id", id, at(["id"])));
  }
  const options = optionalMap(entry.with, `"with" of ${where}`, at(["with"]), problems);
  const inputs = draftInputs(entry.inputs, where, at, problems);
  if (uses === undefined) {
    const hint = `name a built-in stage or a module, e.g. "uses: ingest"`;
    problems.push(missingKey("uses", where, hint, at([])));
    return undefined;
  }
  if (!isMap(uses) && (typeof uses !== "string" || uses === "")) {
    const wanted = "a stage's name, path, npm: or jsr: specifier";
    problems.push(wrongType(`"uses" of ${where}`, wanted, uses, at(["uses"])));
    return undefined;
  }
  return {
    uses: uses as string | AnyStage,
    id: typeof id === "string" ? id : undefined,
    inputs,
    options,
    at,
  };
}

function draftInputs(
  value: unknown,
  where: string,
  at: StageDraft["at"],
  problems: OddsmithError[],
): Record<string, string> {
  const inputs: Record<string, string> = {};
  for (
    const [port, ref] of Object.entries(
      optionalMap(value, `"inputs" of ${where}`, at(["inputs"]), problems),
    )
  ) {
    if (typeof ref === "string" && ref !== "") inputs[port] = ref;
    else {
      const wanted = `a reference, e.g. "ingest.pairs"`;
      problems.push(wrongType(`input "${port}" of ${where}`, wanted, ref, at(["inputs", port])));
    }
  }
  return inputs;
}

/** A map, or an empty one where nothing (or something else, which is a problem) is written. */
function optionalMap(
  value: unknown,
  what: string,
  location: ErrorLocation | undefined,
  problems: OddsmithError[],
): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (isMap(value)) return value;
  problems.push(wrongType(what, "a map", value, location));
  return {};
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
