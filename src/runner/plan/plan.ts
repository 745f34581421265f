/** The planner: what a run would do, stage by stage and with reasons, without running anything. */

import { decide, openPlanning } from "./decide.ts";
import { Forecasts } from "./forecasts.ts";
import type { ResolvedPipeline } from "../resolved.ts";
import { type SelectionOptions, selectStages } from "./select.ts";

/** What would happen to one stage. */
export interface PlanRow {
  /** The stage's id. */
  readonly stageId: string;
  /** "unknown": a stage before it runs first, and its result decides. */
  readonly action: "run" | "reuse" | "unknown";
  /** E.g. `new`, `config.maxLength 512 -> 1024`, `input pairs changed`, `depends on tokenize`. */
  readonly reason: string;
  /** What the stage says of the run to come; absent where it says nothing. */
  readonly forecast?: readonly string[];
}

/**
 * Plans a run. Reads the store and hashes source files; writes nothing.
 *
 * @throws PipelineError UNKNOWN_STAGE_ID; StageError SOURCE_MISSING, SOURCE_UNREADABLE,
 * INPUT_NOT_STORED
 */
export async function planPipeline(
  pipeline: ResolvedPipeline,
  options: SelectionOptions = {},
): Promise<PlanRow[]> {
  const selection = selectStages(pipeline, options);
  const planning = await openPlanning(pipeline, selection);
  const forecasts = new Forecasts(planning);
  const rows: PlanRow[] = [];
  for (const stage of selection.stages) {
    const { action, reason } = await decide(planning, stage);
    const lines = action === "reuse" ? [] : await forecasts.ask(stage);
    rows.push({ stageId: stage.id, action, reason, ...(lines.length > 0 && { forecast: lines }) });
  }
  return rows;
}
