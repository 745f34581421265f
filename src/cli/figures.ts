/**
 * The figures of a run, by name: what its evaluation and its training log say, what its other
 * stages recorded, and how long each took.
 */

import { join } from "@std/path";
import type { Json, JsonObject } from "../base/json.ts";
import { OddsmithError } from "../base/error.ts";
import type { StageRecord } from "../runner/run/manifest.ts";
import { findArtifact, type RunRecord } from "../runner/run/runs.ts";

/** Kinds of artifacts that hold a summary.json. */
const SUMMARIZED: readonly string[] = ["evaluation", "training-log"];

/** Every number a run is known by, as "stage: path"; artifacts that are gone are left out. */
export async function runFigures(run: RunRecord): Promise<Map<string, number>> {
  const figures = new Map<string, number>();
  for (const stage of run.manifest.stages) {
    if (stage.elapsedMs !== undefined) {
      figures.set(`${stage.id}: elapsed seconds`, stage.elapsedMs / 1000);
    }
    const summaries = await stageSummaries(run, stage);
    for (const value of summaries.length > 0 ? summaries : [stage.facts]) {
      // Of the same kernels elsewhere, in another order: no figures to compare by name.
      const { profile: _, ...named } = value as JsonObject;
      for (const [path, number] of numbersIn(named)) figures.set(`${stage.id}: ${path}`, number);
    }
  }
  return figures;
}

/** The summary.json of a stage's evaluation and training log. */
export async function stageSummaries(run: RunRecord, stage: StageRecord): Promise<Json[]> {
  const summaries: Json[] = [];
  for (const [port, { type }] of Object.entries(stage.outputs)) {
    if (!SUMMARIZED.includes(type.split("@")[0]!)) continue;
    try {
      const { dir } = await findArtifact(run, `${stage.id}.${port}`);
      summaries.push(JSON.parse(await Deno.readTextFile(join(dir, "summary.json"))));
    } catch (error) {
      const isGone = error instanceof Deno.errors.NotFound ||
        error instanceof OddsmithError && error.code === "ARTIFACT_GONE";
      if (!isGone) throw error;
    }
  }
  return summaries;
}

/** The leaves of a JSON value as path and value, with "." between keys. */
export function* leavesIn(value: Json, path = ""): Generator<[string, Json]> {
  if (typeof value !== "object" || value === null) {
    yield [path, value];
    return;
  }
  for (const [key, member] of Object.entries(value)) {
    yield* leavesIn(member, path === "" ? key : `${path}.${key}`);
  }
}

function* numbersIn(value: Json): Generator<[string, number]> {
  for (const [path, leaf] of leavesIn(value)) {
    if (typeof leaf === "number") yield [path, leaf];
  }
}
