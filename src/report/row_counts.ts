/**
 * Rows kept and dropped, read from what stages recorded. Any stage takes part, a plugin's too, that
 * records `dropped` as reason -> count (or reason -> {rows}) and `kept` as a count or a count a
 * split.
 */

import type { Json, JsonObject } from "../base/json.ts";
import type { ReportStage } from "./input.ts";

/** What a stage kept and dropped. */
export interface RowCounts {
  /** The stage. */
  stageId: string;
  /** Absent where the stage does not say. */
  kept?: number;
  /** Rows left out. */
  dropped: number;
  /** Most frequent first. */
  reasons: { reason: string; rows: number }[];
}

/** Finds the row counts among the stages' records, in the run's order. */
export function rowCounts(stages: readonly ReportStage[]): RowCounts[] {
  return stages.flatMap(({ id, facts }) => {
    if (!isObject(facts.dropped)) return [];
    const reasons = Object.entries(facts.dropped)
      .map(([reason, count]) => ({ reason, rows: rowsOf(count) }))
      .filter(({ rows }) => rows > 0)
      .sort((a, b) => b.rows - a.rows);
    const dropped = reasons.reduce((sum, { rows }) => sum + rows, 0);
    return [{ stageId: id, kept: keptOf(facts.kept), dropped, reasons }];
  });
}

function rowsOf(count: Json | undefined): number {
  if (typeof count === "number") return count;
  return isObject(count) && typeof count.rows === "number" ? count.rows : 0;
}

function keptOf(kept: Json | undefined): number | undefined {
  if (typeof kept === "number") return kept;
  if (!isObject(kept)) return undefined;
  return Object.values(kept).reduce<number>((sum, count) => sum + rowsOf(count), 0);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
