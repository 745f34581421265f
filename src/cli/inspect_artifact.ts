/** What an artifact of a run holds, read for people: its files, and the rows of data sets. */

import { join } from "@std/path";
import type { Json, JsonObject } from "../base/json.ts";
import { listFiles } from "../runner/store/artifact_files.ts";
import { type Dataset, datasetType, type Split } from "../runner/dataset.ts";
import { findArtifact, type FoundArtifact, type RunRecord } from "../runner/run/runs.ts";
import { unknownRow } from "./errors.ts";
import { stageSummaries } from "./figures.ts";
import { lastOutputOfKind } from "./run_summary.ts";

/** Which rows of a data set to show. */
export interface RowChoice {
  readonly split: Split;
  /** A row's number, from 1, or its id; absent: the first `count` rows. */
  readonly row: string | undefined;
  readonly count: number;
}

/** An artifact's facts. */
export interface ArtifactFacts extends FoundArtifact {
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** summary.json, where the artifact has one. */
  readonly summary: Json | undefined;
  /** The last line of steps.jsonl, where the artifact has one. */
  readonly lastStep: Json | undefined;
}

/** Looks at an artifact's folder. */
export async function artifactFacts(found: FoundArtifact): Promise<ArtifactFacts> {
  const files = await Promise.all((await listFiles(found.dir)).map(async (path) => ({
    path,
    sizeBytes: (await Deno.stat(join(found.dir, path))).size,
  })));
  const has = (name: string) => files.some(({ path }) => path === name);
  const read = async (name: string) => await Deno.readTextFile(join(found.dir, name));
  const steps = has("steps.jsonl") ? (await read("steps.jsonl")).trimEnd().split("\n") : [];
  return {
    ...found,
    files,
    summary: has("summary.json") ? JSON.parse(await read("summary.json")) : undefined,
    lastStep: steps.at(-1) ? JSON.parse(steps.at(-1)!) : undefined,
  };
}

/** Opens an artifact as a data set; undefined where it is none. */
export async function openDataset(
  facts: ArtifactFacts,
): Promise<Dataset<JsonObject> | undefined> {
  if (!facts.files.some(({ path }) => path === "dataset.json")) return undefined;
  const [kind, version] = facts.type.split("@");
  return await datasetType<JsonObject>(kind!, Number(version)).read(facts.dir);
}

/**
 * The rows that a choice names.
 *
 * @throws {OddsmithError} ARGUMENTS where the row is not there.
 */
export async function chooseRows(
  dataset: Dataset<JsonObject>,
  { split, row, count }: RowChoice,
): Promise<JsonObject[]> {
  const rows: JsonObject[] = [];
  const wanted = row !== undefined && /^\d+$/.test(row) ? Number(row) : undefined;
  let number = 0;
  for await (const value of dataset.rows(split)) {
    number++;
    if (row === undefined) {
      if (number > count) break;
      rows.push(value);
    } else if (number === wanted || value.id === row) return [value];
  }
  if (row !== undefined) throw unknownRow(row, split, dataset.counts[split]);
  return rows;
}

/**
 * Writes a tokenized pair as its tokens, with what each part of the loss scores; undefined where
 * the run has no model to take the tokenizer from.
 *
 * @param nllScope Default: what the run's training or evaluation says it scored, else "all".
 */
export async function renderTokens(
  run: RunRecord,
  row: JsonObject,
  nllScope: string | undefined,
): Promise<string | undefined> {
  const [stage, port] = lastOutputOfKind(run.manifest, "model") ?? [];
  if (!stage) return undefined;
  const { dir } = await findArtifact(run, `${stage.id}.${port}`);
  const { loadTokenizer } = await import("../text/tokenizer.ts");
  const { renderTokenizedPair } = await import("../text/inspect.ts");
  type Pair = Parameters<typeof renderTokenizedPair>[0];
  const scope = nllScope ?? await scoredScope(run) ?? "all";
  return renderTokenizedPair(row as unknown as Pair, await loadTokenizer(dir), {
    nllScope: scope === "response" ? "response" : "all",
  });
}

/** The nllScope that the run's summaries name. */
async function scoredScope(run: RunRecord): Promise<string | undefined> {
  for (const stage of run.manifest.stages) {
    for (const summary of await stageSummaries(run, stage)) {
      const { objective } = summary as { objective?: { nllScope?: string } };
      if (typeof objective?.nllScope === "string") return objective.nllScope;
    }
  }
  return undefined;
}
