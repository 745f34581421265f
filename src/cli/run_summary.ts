/** What is said when a run has ended: what ran, the figures people ask for, where to look. */

import { format as formatBytes } from "@std/fmt/bytes";
import { join } from "@std/path";
import type { Json, JsonObject } from "../base/json.ts";
import type { Manifest, StageRecord } from "../runner/run/manifest.ts";
import { findArtifact, type RunRecord } from "../runner/run/runs.ts";
import { stageSummaries } from "./figures.ts";
import { shownPath } from "../runner/load/pipeline_source.ts";
import { formatCount, formatDuration, formatRate } from "./quantity.ts";
import { formatFigure } from "./table.ts";

/** Metrics worth a line, and what people call them. */
const KEY_METRICS: readonly (readonly [name: string, title: string])[] = [
  ["rewards/accuracies", "accuracy"],
  ["nll_loss", "NLL"],
  ["logps/chosen", "logps chosen"],
  ["logps/rejected", "rejected"],
];

/** What `run --json` writes. */
export interface RunSummary {
  /** The run's folder name. */
  readonly runId: string;
  /** The run's folder, absolute. */
  readonly runDir: string;
  /** "done", "failed" or "interrupted". */
  readonly status: string;
  readonly elapsedMs: number | undefined;
  readonly stages: readonly Pick<
    StageRecord,
    "id" | "status" | "reason" | "elapsedMs" | "outputs" | "facts"
  >[];
  /** The formatted error of a failed run. */
  readonly error: string | undefined;
  /** Summaries of evaluations and training logs, by stage. */
  readonly summaries: Readonly<Record<string, readonly Json[]>>;
  /** The page a report stage made. */
  readonly report: string | undefined;
}

/** Collects what is said of a run. */
export async function summarizeRun(run: RunRecord): Promise<RunSummary> {
  const { manifest } = run;
  const summaries: Record<string, Json[]> = {};
  for (const stage of manifest.stages) {
    const found = await stageSummaries(run, stage);
    if (found.length > 0) summaries[stage.id] = found;
  }
  return {
    runId: run.id,
    runDir: run.dir,
    status: run.status,
    elapsedMs: manifest.elapsedMs,
    stages: manifest.stages.map(({ id, status, reason, elapsedMs, outputs, facts }) => ({
      id,
      status,
      reason,
      elapsedMs,
      outputs,
      facts,
    })),
    error: manifest.error,
    summaries,
    report: await reportPath(run),
  };
}

/** The closing lines for people. */
export function summaryLines(summary: RunSummary): string[] {
  const { status, elapsedMs, stages, runDir, report } = summary;
  const count = (wanted: string) => stages.filter((stage) => stage.status === wanted).length;
  const parts = [
    [count("done"), "ran"],
    [count("reused"), "reused"],
    [count("failed"), "failed"],
    [count("interrupted"), "stopped"],
    [count("pending"), "not started"],
  ].filter(([stages]) => stages !== 0).map(([stages, what]) => `${stages} ${what}`);
  const took = elapsedMs === undefined ? "" : ` in ${formatDuration(elapsedMs)}`;
  const lines = [`${status}${took}: stages ${parts.join(", ")}`];
  const told = new Set<string>();
  const values = Object.entries(summary.summaries)
    .flatMap(([stageId, values]) => values.map((value) => [stageId, value as JsonObject] as const));
  for (const [stageId, value] of values) {
    const figures = [metricFigures(value), trainingFigures(value)]
      .filter((text) => text !== "" && !told.has(text));
    for (const text of figures) told.add(text);
    if (figures.length > 0) lines.push(`  ${stageId}: ${figures.join("; ")}`);
  }
  lines.push(`  run: ${shownPath(runDir, Deno.cwd())}`);
  if (report !== undefined) lines.push(`  report: ${shownPath(report, Deno.cwd())}`);
  return lines;
}

/** The key metrics of an evaluation, or of a training's evaluations: before -> after. */
function metricFigures(summary: JsonObject): string {
  const before = metricsOf(summary.before) ?? metricsOf(summary.evalBefore);
  const after = metricsOf(summary.after) ?? metricsOf(summary.evalAfter);
  const find = (metrics: JsonObject | undefined, name: string): number | undefined => {
    const value = metrics?.[`eval_${name}`] ?? metrics?.[name];
    return typeof value === "number" ? value : undefined;
  };
  return KEY_METRICS.flatMap(([name, title]) => {
    const now = find(after, name);
    const was = find(before, name);
    if (now === undefined) return [];
    return [`${title} ${was === undefined ? "" : `${formatFigure(was)} -> `}${formatFigure(now)}`];
  }).join(", ");
}

/** How much was trained, how fast, in how much memory. */
function trainingFigures(record: JsonObject): string {
  const { steps, parameters, trainableParameters, tokensPerSecond, peakMemoryBytes } = record;
  const figures: string[] = [];
  if (typeof steps === "number") figures.push(`${formatCount(steps)} steps`);
  if (typeof trainableParameters === "number" && trainableParameters !== parameters) {
    figures.push(
      `${formatCount(trainableParameters)} of ${formatCount(parameters as number)} weights`,
    );
  }
  if (typeof tokensPerSecond === "number") figures.push(formatRate(tokensPerSecond, "tokens"));
  if (typeof peakMemoryBytes === "number") {
    figures.push(`${formatBytes(peakMemoryBytes, { binary: true })} at most`);
  }
  return figures.join(", ");
}

function metricsOf(figures: Json | undefined): JsonObject | undefined {
  const holder = figures as { metrics?: JsonObject } | null | undefined;
  return typeof holder?.metrics === "object" ? holder.metrics : undefined;
}

async function reportPath(run: RunRecord): Promise<string | undefined> {
  const [stage, port] = lastOutputOfKind(run.manifest, "report") ?? [];
  if (stage === undefined || port === undefined) return undefined;
  const linked = join(run.dir, "stages", stage.id, port, "report.html");
  if (await Deno.stat(linked).then((info) => info.isFile, () => false)) return linked;
  return join((await findArtifact(run, `${stage.id}.${port}`)).dir, "report.html");
}

/** The last stage that made an artifact of a kind, and its port. */
export function lastOutputOfKind(
  manifest: Manifest,
  kind: string,
): [StageRecord, string] | undefined {
  return outputOfKind(manifest.stages.toReversed(), kind);
}

/** The first stage that made an artifact of a kind, and its port. */
export function firstOutputOfKind(
  manifest: Manifest,
  kind: string,
): [StageRecord, string] | undefined {
  return outputOfKind(manifest.stages, kind);
}

function outputOfKind(
  stages: readonly StageRecord[],
  kind: string,
): [StageRecord, string] | undefined {
  for (const stage of stages) {
    for (const [port, { type }] of Object.entries(stage.outputs)) {
      if (type.split("@")[0] === kind) return [stage, port];
    }
  }
  return undefined;
}
