/** `inspect`: a run's manifest, or one of its artifacts and the rows in it. */

import { format as formatBytes } from "@std/fmt/bytes";
import { join } from "@std/path";
import type { JsonObject } from "../../base/json.ts";
import { readEvents } from "../../runner/run/event_log.ts";
import { findArtifact, readRun, type RunRecord } from "../../runner/run/runs.ts";
import { badCombination } from "../errors.ts";
import { EXIT } from "../exit_code.ts";
import { leavesIn } from "../figures.ts";
import {
  type ArtifactFacts,
  artifactFacts,
  chooseRows,
  openDataset,
  renderTokens,
} from "../inspect_artifact.ts";
import { withOwnCommands } from "../invocation.ts";
import { jsonText } from "../output.ts";
import { profileOf, profileText } from "../profile_table.ts";
import { formatDuration } from "../quantity.ts";
import { summarizeRun, summaryLines } from "../run_summary.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import { formatFigure, formatTable } from "../table.ts";
import { type CliContext, defineVerb } from "../verb.ts";

/** The verb. */
export const inspectVerb = defineVerb({
  name: "inspect",
  usage: "<run> [stage.port] [options]",
  required: ["run"],
  most: 2,
  flags: {
    row: { kind: "text", value: "n|id", help: "One row of a data set: its number or its id." },
    rows: { kind: "integer", value: "n", least: 0, help: "How many rows to show (default 3)." },
    split: { kind: "text", value: "name", help: "Of which split:", choices: ["train", "eval"] },
    "nll-scope": {
      kind: "text",
      value: "scope",
      help: "What the NLL is taken to score in a token table (default: as the run trained):",
      choices: ["response", "all"],
    },
    json: { kind: "switch", help: "Write it as JSON." },
    ...runsFlags,
  },
  examples: [
    ["inspect latest", "Shows how the newest run went, stage by stage."],
    ["inspect latest tokenize.pairs --row 1", "Shows a pair's tokens and what the loss scores."],
    ["inspect latest orpo.log", "Shows the training log's last figures."],
  ],
  async run({ flags, positionals: [which, ref] }, context) {
    const run = await readRun(which!, runsDirOf(flags));
    if (ref === undefined) {
      if (flags.row !== undefined || flags.rows !== undefined || flags.split !== undefined) {
        throw badCombination(
          "Cannot show rows of a whole run: name an artifact",
          `ls ${run.id} lists them as stage.port`,
        );
      }
      if (flags.json) context.write(jsonText({ ...run.manifest, status: run.status }));
      else await showRun(context, run);
      return EXIT.ok;
    }
    const facts = await artifactFacts(await findArtifact(run, ref));
    const dataset = await openDataset(facts);
    if (flags.row !== undefined && !dataset) {
      throw badCombination(`Cannot show row "${flags.row}": "${facts.ref}" is not a data set`);
    }
    const split = flags.split === "eval" ? "eval" : "train";
    const choice = { split, row: flags.row, count: flags.rows ?? 3 } as const;
    const rows = dataset ? await chooseRows(dataset, choice) : [];
    const data = dataset && { counts: dataset.counts, stats: dataset.stats, split, rows };
    if (flags.json) {
      context.write(jsonText({ ...facts, dataset: data }));
      return EXIT.ok;
    }
    showFacts(context, facts);
    if (data) context.write(dataText(data));
    for (const row of rows) {
      const isTokens = facts.type.startsWith("tokenized-pairs@");
      const tokens = isTokens ? await renderTokens(run, row, flags["nll-scope"]) : undefined;
      context.write("\n" + (tokens ?? jsonText(row)));
    }
    return EXIT.ok;
  },
});

async function showRun(context: CliContext, run: RunRecord): Promise<void> {
  const { manifest } = run;
  const { versions } = manifest;
  const overrides = Object.entries(manifest.overrides);
  context.write(formatTable(["run", run.id], [
    ["pipeline", manifest.pipeline],
    ["file", manifest.file ?? "none"],
    ["started", manifest.startedAt],
    ["seed", String(manifest.seed)],
    ["device", manifest.device],
    ["set", overrides.map(([path, value]) => `${path}=${JSON.stringify(value)}`).join(" ")],
    ["versions", `oddsmith ${versions.oddsmith}, deno ${versions.deno}, ${versions.os}`],
  ]));
  const rows = manifest.stages.map(({ id, status, elapsedMs, reason, outputs }) => [
    id,
    status,
    elapsedMs === undefined ? "" : formatDuration(elapsedMs),
    Object.keys(outputs).join(", "),
    reason ?? "",
  ]);
  context.write("\n" + formatTable(["stage", "status", "took", "outputs", "reason"], rows));
  for (const stage of manifest.stages) {
    const profile = profileOf(stage.facts);
    const { profile: _, ...others } = stage.facts;
    const facts = [...leavesIn(profile ? others : stage.facts)]
      .map(([path, value]) => [path, figureText(value)]);
    if (facts.length > 0) context.write("\n" + formatTable([stage.id, ""], facts));
    if (profile) {
      context.write(`\n${stage.id}'s time in kernels\n${profileText(profile).join("\n")}\n`);
    }
  }
  const warnings = await warningsOf(run);
  if (warnings.length > 0) context.write("\n" + formatTable(["warnings", ""], warnings));
  context.write("\n" + summaryLines(await summarizeRun(run)).join("\n") + "\n");
  if (manifest.error !== undefined) context.write(withOwnCommands(manifest.error) + "\n");
}

/** What the run's stages warned of: stage and message, in order. */
async function warningsOf(run: RunRecord): Promise<string[][]> {
  const warnings: string[][] = [];
  for await (const event of readEvents(join(run.dir, "events.jsonl"))) {
    if (event.type !== "log" || event.level !== "warn") continue;
    warnings.push([event.stageId ?? "", event.message]);
  }
  return warnings;
}

function showFacts(context: CliContext, facts: ArtifactFacts): void {
  const size = (bytes: number) => formatBytes(bytes, { binary: true });
  context.write(formatTable(["artifact", facts.ref], [
    ["type", facts.type],
    ["digest", facts.digest],
    ["size", size(facts.sizeBytes)],
    ["folder", facts.dir],
    ...facts.files.map(({ path, sizeBytes }) => ["file", `${path} (${size(sizeBytes)})`]),
  ]));
  for (
    const [title, value] of [["last step", facts.lastStep], ["summary", facts.summary]] as const
  ) {
    if (value === undefined) continue;
    const rows = [...leavesIn(value)].map(([path, leaf]) => [path, figureText(leaf)]);
    context.write("\n" + formatTable([title, ""], rows));
  }
}

function dataText(
  { counts, stats, split, rows }: {
    counts: Readonly<Record<string, number>>;
    stats: JsonObject;
    split: string;
    rows: readonly JsonObject[];
  },
): string {
  const cells = [
    ["rows", `${counts.train} train, ${counts.eval} eval`],
    ...[...leavesIn(stats)].map(([path, value]) => [path, figureText(value)]),
    ["shown", `${rows.length} of ${split}`],
  ];
  return "\n" + formatTable(["data set", ""], cells);
}

function figureText(value: unknown): string {
  return typeof value === "number"
    ? formatFigure(value)
    : typeof value === "string"
    ? value
    : JSON.stringify(value);
}
