/**
 * What a run says while it happens. Every event becomes a line of events.jsonl; the command line
 * draws its bars from the same stream. Types only.
 */

import type { JsonObject } from "../base/json.ts";
import type { Progress } from "./contract.ts";

/** One event; `time` (ISO 8601, UTC) is added when it is written. */
export type RunEvent =
  | { type: "run-start"; runId: string; runDir: string; pipeline: string }
  | { type: "stage-start"; stageId: string; index: number; count: number; reason: string }
  | { type: "stage-reused"; stageId: string; index: number; count: number }
  | { type: "progress"; stageId: string; progress: Progress }
  | { type: "metrics"; stageId: string; values: JsonObject }
  | { type: "log"; stageId?: string; level: "info" | "warn"; message: string }
  | { type: "stage-end"; stageId: string; elapsedMs: number }
  | { type: "stage-failed"; stageId: string; elapsedMs: number; error: string }
  | { type: "run-end"; status: "done" | "failed" | "interrupted"; elapsedMs: number };

/** Receives events; must not throw. */
export type EventSink = (event: RunEvent) => void;
