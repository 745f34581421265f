/** What can be known of a stage before it runs: its files are there, and what it needs can be had. */

import { type ErrorLocation, OddsmithError } from "../../base/error.ts";
import { resolve } from "@std/path";
import type { AnyStage, PinnedSource } from "../contract.ts";
import type { StageDraft } from "./spec.ts";
import type { NodePath } from "./pipeline_source.ts";
import { sourceFault } from "../run/run_errors.ts";
import { needsGpu, needsNet, sourcesFailed } from "./stage_errors.ts";

/** Checks a stage's needs against the pipeline's device and this process's permissions. */
export async function checkNeeds(
  stage: AnyStage,
  stageId: string,
  device: string,
  location: ErrorLocation | undefined,
): Promise<OddsmithError[]> {
  const problems: OddsmithError[] = [];
  if (stage.needs?.gpu && (device === "cpu" || device === "wasm")) {
    problems.push(needsGpu(stageId, device, location));
  }
  if (stage.needs?.net) {
    const { state } = await Deno.permissions.query({ name: "net" });
    if (state === "denied") problems.push(needsNet(stageId, location));
  }
  return problems;
}

/**
 * Asks a stage for what it depends on. Its error gets the place of the option it is about, unless
 * it has a line or row of its own.
 *
 * @param notes Receives what a run will have to find out first.
 */
export async function checkSources(
  stage: AnyStage,
  stageId: string,
  config: unknown,
  draft: StageDraft,
  baseDir: string,
  notes: string[],
): Promise<OddsmithError | undefined> {
  try {
    const sources = await stage.sources?.(config, (path) => resolve(baseDir, path)) ?? [];
    for (const source of sources) {
      if (typeof source === "string") await checkReadable(stageId, resolve(baseDir, source));
      else if (source.digest === undefined) notes.push(`${stageId}: ${notYetKnown(source)}`);
    }
    return undefined;
  } catch (error) {
    const own = error instanceof OddsmithError ? error.location : undefined;
    if (own?.line !== undefined || own?.row !== undefined) return error as OddsmithError;
    const inFile = own === undefined ? "" : ` (${own.file})`;
    const message = (error instanceof Error ? error.message : String(error)) + inFile;
    const place = draft.at(["with", ...mentionedOption(draft.options, message, baseDir)]);
    if (!(error instanceof OddsmithError)) return sourcesFailed(stageId, error, place);
    const { kind, code, hint, cause } = error;
    return new OddsmithError(kind, code, message, { location: place, hint, cause });
  }
}

/** What a plan and `validate` say of a source whose digest only a run finds out. */
export function notYetKnown({ name }: PinnedSource): string {
  return `${name} is not cached yet and will be downloaded`;
}

async function checkReadable(stageId: string, path: string): Promise<void> {
  try {
    using _file = await Deno.open(path);
  } catch (error) {
    const fault = sourceFault(stageId, path, error);
    // What else keeps a file from being opened is no matter of the pipeline.
    if (fault) throw fault;
  }
}

/** The path of the option whose text the message quotes, the longest where there are several. */
function mentionedOption(options: unknown, message: string, baseDir: string): NodePath {
  let found: NodePath = [];
  let length = 0;
  const visit = (value: unknown, path: NodePath) => {
    if (typeof value === "string") {
      const isMentioned = value !== "" &&
        (message.includes(value) || message.includes(resolve(baseDir, value)));
      if (isMentioned && value.length > length) [found, length] = [path, value.length];
    } else if (Array.isArray(value)) {
      value.forEach((inner, index) => visit(inner, [...path, index]));
    } else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
    }
  };
  visit(options, []);
  return found;
}
