/** `compare`: what differs between runs, and their figures side by side. */

import type { Json, JsonObject } from "../../base/json.ts";
import { readPipelineJson, readRun, type RunRecord } from "../../runner/run/runs.ts";
import { EXIT } from "../exit_code.ts";
import { leavesIn, runFigures } from "../figures.ts";
import { jsonText } from "../output.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import { formatFigure, formatTable } from "../table.ts";
import { defineVerb } from "../verb.ts";

/** A name, and its value in each run; undefined where a run has none. */
interface ComparedRow<V> {
  readonly name: string;
  readonly values: readonly (V | undefined)[];
}

/** The verb. */
export const compareVerb = defineVerb({
  name: "compare",
  usage: "<run> <run> [run ...] [options]",
  required: ["run", "second run"],
  most: Infinity,
  flags: {
    all: { kind: "switch", help: "Show figures that are the same, too." },
    json: { kind: "switch", help: "Write the comparison as JSON, every figure in it." },
    ...runsFlags,
  },
  examples: [["compare 3f2a91 latest", "Compares a run, by the end of its id, with the newest."]],
  async run({ flags, positionals }, context) {
    const runs: RunRecord[] = [];
    for (const which of positionals) runs.push(await readRun(which, runsDirOf(flags)));
    const settings = await Promise.all(runs.map(runSettings));
    const differences = align(settings).filter(differs);
    const figures = align(await Promise.all(runs.map(runFigures)));
    if (flags.json) {
      const heads = runs.map(({ id, status }) => ({ id, status }));
      const plain = (rows: readonly ComparedRow<Json>[]) =>
        rows.map(({ name, values }) => ({ name, values: values.map((value) => value ?? null) }));
      context.write(
        jsonText({ runs: heads, settings: plain(differences), figures: plain(figures) }),
      );
      return EXIT.ok;
    }
    const shown = figures.filter((row) => flags.all || differs(row));
    context.write(
      differences.length === 0
        ? "The settings are the same.\n"
        : tableOf("setting", runs, differences, settingText),
    );
    if (shown.length > 0) context.write("\n" + tableOf("figure", runs, shown, formatFigure));
    return EXIT.ok;
  },
});

function tableOf<V>(
  what: string,
  runs: readonly RunRecord[],
  rows: readonly ComparedRow<V>[],
  show: (value: V) => string,
): string {
  const cells = rows.map(({ name, values }) => [
    name,
    ...values.map((value) => value === undefined ? "" : show(value)),
  ]);
  return formatTable([what, ...runs.map(({ id }) => id)], cells);
}

function settingText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Seed, device, versions, and every stage's version, inputs and options, by path; of stages without
 * inputs also what they gave.
 */
async function runSettings(run: RunRecord): Promise<Map<string, Json>> {
  const pipeline = await readPipelineJson(run) as unknown as JsonObject;
  const settings = new Map<string, Json>([
    ["status", run.status],
    ["seed", pipeline.seed!],
    ["device", pipeline.device!],
    ["oddsmith", run.manifest.versions.oddsmith],
    ["deno", run.manifest.versions.deno],
  ]);
  for (const stage of pipeline.stages as JsonObject[]) {
    const { id, uses, version, sourceDigest, inputs, config } = stage;
    const parts = { uses, version, sourceDigest, inputs, with: config };
    for (const [path, value] of leavesIn(parts as JsonObject)) {
      if (value !== undefined) settings.set(`${id}.${path}`, value);
    }
  }
  for (const { id, inputs, outputs } of run.manifest.stages) {
    // Where a chain begins the content came from outside: a file may be another under one name.
    if (Object.keys(inputs).length > 0) continue;
    for (const [port, { digest }] of Object.entries(outputs)) {
      settings.set(`${id}.${port} content`, digest.slice(0, 12));
    }
  }
  return settings;
}

function differs({ values }: ComparedRow<Json>): boolean {
  return values.some((value) => JSON.stringify(value) !== JSON.stringify(values[0]));
}

/** One row for each name that any of the maps has, in the order they come. */
function align<V>(maps: readonly ReadonlyMap<string, V>[]): ComparedRow<V>[] {
  const names = new Set(maps.flatMap((map) => [...map.keys()]));
  return [...names].map((name) => ({ name, values: maps.map((map) => map.get(name)) }));
}
