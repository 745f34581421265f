/**
 * A training log as series to draw: steps.jsonl read once, one series a metric, thinned to what a
 * chart can show. Rows may be steps, evaluations or both; a metric is where a row has a number.
 */

import { join } from "@std/path";
import type { JsonObject } from "../base/json.ts";
import { readJson, readJsonLines } from "./json_lines.ts";

/** A figure at an optimizer step. */
export interface Point {
  /** Optimizer steps done. */
  step: number;
  /** The figure. */
  value: number;
}

/** A training log in memory. */
export interface TrainingLog {
  /** Metric name -> its points by step. */
  series: ReadonlyMap<string, readonly Point[]>;
  /** summary.json, as training wrote it. */
  summary: JsonObject;
}

/**
 * Reads a training log's folder.
 *
 * @throws {OddsmithError} BAD_FILE if a file is missing or broken.
 */
export async function readTrainingLog(dir: string): Promise<TrainingLog> {
  const series = new Map<string, Point[]>();
  for await (const row of readJsonLines<JsonObject>(join(dir, "steps.jsonl"))) {
    const step = row.step;
    if (typeof step !== "number") continue;
    for (const [name, value] of Object.entries(row)) {
      if (name === "step" || typeof value !== "number") continue;
      const points = series.get(name) ?? [];
      if (points.length === 0) series.set(name, points);
      points.push({ step, value });
    }
  }
  return { series, summary: await readJson<JsonObject>(join(dir, "summary.json")) };
}

/** Thins points to at most `limit` by averaging neighbours; the last point is kept as it is. */
export function thinPoints(points: readonly Point[], limit: number): Point[] {
  if (points.length <= limit) return [...points];
  const width = Math.ceil((points.length - 1) / (limit - 1));
  const thinned: Point[] = [];
  for (let start = 0; start < points.length - 1; start += width) {
    const group = points.slice(start, Math.min(start + width, points.length - 1));
    thinned.push({ step: meanOf(group, "step"), value: meanOf(group, "value") });
  }
  thinned.push(points.at(-1)!);
  return thinned;
}

/** A centred running mean over a `fraction` of the points, at least one to each side. */
export function smoothPoints(points: readonly Point[], fraction = 0.06): Point[] {
  const reach = Math.max(1, Math.round(points.length * fraction / 2));
  return points.map(({ step }, i) => ({
    step,
    value: meanOf(points.slice(Math.max(0, i - reach), i + reach + 1), "value"),
  }));
}

/** The mean of the last tenth of the points (at least one): where a noisy metric ended. */
export function endOf(points: readonly Point[]): number | undefined {
  if (points.length === 0) return undefined;
  return meanOf(points.slice(-Math.max(1, Math.ceil(points.length / 10))), "value");
}

function meanOf(points: readonly Point[], key: keyof Point): number {
  return points.reduce((sum, point) => sum + point[key], 0) / points.length;
}
