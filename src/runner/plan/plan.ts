/** The planner: what a run would do, stage by stage and with reasons, without running anything. */

import { decide, openPlanning } from "./decide.ts";
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
  const rows: PlanRow[] = [];
  for (const stage of selection.stages) {
    const { action, reason } = await decide(planning, stage);
    rows.push({ stageId: stage.id, action, reason });
  }
  return rows;
}
