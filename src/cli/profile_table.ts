/** What a stage told of its time (`run --profile`), as a table for people. */

import type { Json, JsonObject } from "../base/json.ts";
import type { StageRecord } from "../runner/run/manifest.ts";
import { formatCount, formatDuration } from "./quantity.ts";
import { formatFigure, formatTable } from "./table.ts";

/** The costliest operations that get a row of their own. */
const ROWS = 20;

/** How a profile was made, in words. */
const METHODS: Readonly<Record<string, string>> = {
  "timestamp-query": "by the device's timestamps",
  "submit-and-wait": "each handed over alone and waited for: the device has no use of timestamps",
  "wall-clock": "as function calls, by the wall clock",
};

interface ProfileRow {
  readonly label: string;
  readonly count: number;
  readonly totalMs: number;
  readonly share: number;
}

/** The lines of a run that was asked where its time went: a table a stage that tells, and why others do not. */
export function profileLines(
  stages: readonly Pick<StageRecord, "id" | "status" | "facts">[],
): string[] {
  const lines: string[] = [];
  for (const { id, status, facts } of stages) {
    const profile = profileOf(facts);
    if (profile === undefined) continue;
    const made = status === "reused" ? ", of the run that made the reused result" : "";
    lines.push(`${id}: time in kernels by operation${made}`, ...profileText(profile));
  }
  if (lines.length > 0) return lines;
  const reused = stages.filter(({ status }) => status === "reused").map(({ id }) => id);
  const why = reused.length === 0
    ? "no stage that ran tells where its time goes"
    : `reused stages do not run (${reused.join(", ")}); --force=<stage> runs one again`;
  return [`nothing was profiled: ${why}`];
}

/** The profile a stage recorded, if it did. */
export function profileOf(facts: JsonObject): JsonObject | undefined {
  const profile = facts.profile;
  const isProfile = typeof profile === "object" && profile !== null && !Array.isArray(profile) &&
    Array.isArray(profile.ops);
  return isProfile ? profile : undefined;
}

/** A profile as lines. */
export function profileText(profile: JsonObject): string[] {
  const ops = (profile.ops as Json[]) as unknown as ProfileRow[];
  const cells = (label: string, rows: readonly ProfileRow[]) => {
    const sum = (key: "count" | "totalMs" | "share") =>
      rows.reduce((total, row) => total + row[key], 0);
    const count = sum("count");
    return [
      label,
      formatCount(count),
      sum("totalMs").toFixed(1),
      (1000 * sum("totalMs") / count).toFixed(0),
      `${(100 * sum("share")).toFixed(1)}%`,
    ];
  };
  const rows = ops.slice(0, ROWS).map((op) => cells(op.label, [op]));
  const rest = ops.slice(ROWS);
  if (rest.length > 0) rows.push(cells(`${rest.length} others`, rest));
  const table = formatTable(["operation", "runs", "ms", "µs a run", "share"], rows);
  return [...table.trimEnd().split("\n"), ...notes(profile)].map((line) => `  ${line}`);
}

function notes({ method, steps, firstStep, wallMs, kernelMs, untimed }: JsonObject): string[] {
  const said: string[] = [];
  if (typeof steps === "number" && typeof firstStep === "number") {
    const last = firstStep + steps - 1;
    said.push(steps === 1 ? `step ${firstStep}` : `steps ${firstStep} to ${last}`);
  }
  if (typeof kernelMs === "number" && typeof wallMs === "number") {
    const share = formatFigure(Math.round(1000 * kernelMs / wallMs) / 10);
    said.push(`kernels took ${formatDuration(kernelMs)} of ${formatDuration(wallMs)} (${share}%)`);
  }
  const lines = [said.join(": ")];
  lines.push(`timed ${METHODS[String(method)] ?? method}; profiled steps take longer than others`);
  if (typeof untimed === "number" && untimed > 0) {
    lines.push(`the device told no time of ${formatCount(untimed)} runs, which count as 0 ms`);
  }
  return lines;
}
