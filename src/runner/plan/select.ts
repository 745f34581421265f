/** Which stages of a pipeline a command is about: --until, --only and --force, checked. */

import type { ResolvedPipeline, ResolvedStage } from "../resolved.ts";
import { selectionConflict, unknownStageId } from "../run/run_errors.ts";

/** What a command may say of stages; ids must be in the pipeline. */
export interface SelectionOptions {
  /** The last stage to run. */
  readonly until?: string | undefined;
  /** The one stage to run; its inputs must be in the store. */
  readonly only?: string | undefined;
  /** Stages to run anew, without their stored result or checkpoint; true for all. */
  readonly force?: readonly string[] | true | undefined;
}

/** The stages to go through, in order. */
export interface Selection {
  /** Each after the stages it takes inputs from. */
  readonly stages: readonly ResolvedStage[];
  /** Stages that only supply stored outputs, because another one was asked for alone. */
  readonly suppliers: ReadonlySet<string>;
  /** Ids of stages that must run. */
  readonly forced: ReadonlySet<string>;
}

/**
 * Applies the options to a pipeline.
 *
 * @throws PipelineError UNKNOWN_STAGE_ID, SELECTION_CONFLICT
 */
export function selectStages(pipeline: ResolvedPipeline, options: SelectionOptions): Selection {
  const ids = pipeline.stages.map((stage) => stage.id);
  const { until, only, force } = options;
  if (until !== undefined && only !== undefined) throw selectionConflict();
  const forced = new Set(force === true ? ids : force ?? []);
  for (const id of forced) if (!ids.includes(id)) throw unknownStageId("force", id, ids);
  if (until !== undefined) {
    if (!ids.includes(until)) throw unknownStageId("until", until, ids);
    const stages = pipeline.stages.slice(0, ids.indexOf(until) + 1);
    return { stages, suppliers: new Set(), forced };
  }
  if (only !== undefined) {
    if (!ids.includes(only)) throw unknownStageId("only", only, ids);
    const needed = withAncestors(pipeline, only);
    const stages = pipeline.stages.filter((stage) => needed.has(stage.id));
    needed.delete(only);
    return { stages, suppliers: needed, forced };
  }
  return { stages: pipeline.stages, suppliers: new Set(), forced };
}

function withAncestors(pipeline: ResolvedPipeline, id: string): Set<string> {
  const needed = new Set([id]);
  for (const stage of pipeline.stages.toReversed()) {
    if (!needed.has(stage.id)) continue;
    for (const from of Object.values(stage.inputs)) needed.add(from.stageId);
  }
  return needed;
}
