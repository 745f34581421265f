/** What a report is made from. Every part beside the run's own facts may be missing. */

import type { JsonObject } from "../base/json.ts";
import type { EvaluatedGeneration, EvaluationSummary } from "./evaluation.ts";
import type { LengthTally } from "./lengths.ts";
import type { PairSelection } from "./pair_selection.ts";
import type { TrainingLog } from "./training_log.ts";

/** A stage of the run, as the page shows it. */
export interface ReportStage {
  /** In the pipeline. */
  id: string;
  /** As the pipeline names it. */
  uses: string;
  /** The stage's version. */
  version: string;
  /** Options, defaults included. */
  options: JsonObject;
  /** What it recorded in the manifest: counts, statistics, device, timing. */
  facts: JsonObject;
}

/** The pairs a model was trained and evaluated on. */
export interface ReportData {
  /** Pairs by split. */
  counts: { train: number; eval: number };
  /** Token lengths of the training pairs. */
  lengths: LengthTally;
}

/** An evaluation, its pairs reduced to what is shown. */
export interface ReportEvaluation {
  /** Figures of both models. */
  summary: EvaluationSummary;
  /** What both models wrote. */
  generations: readonly EvaluatedGeneration[];
  /** The pairs that are shown. */
  pairs: PairSelection;
}

/** Everything a page shows. */
export interface ReportInput {
  /** The pipeline's name. */
  title: string;
  /** Where the page comes from. */
  run: {
    /** The run's folder name. */
    id: string;
    /** ISO 8601, UTC. */
    startedAt: string;
    /** Absent outside a pipeline. */
    seed?: number;
    /** The command that makes the run again, where there is a pipeline file. */
    command?: string;
  };
  /** The stages before the report, in the run's order. */
  stages: readonly ReportStage[];
  /** The artifacts the page was made from. */
  artifacts: readonly { ref: string; digest: string }[];
  /** Program -> version. */
  versions: Readonly<Record<string, string>>;
  /** What training logged. */
  training?: TrainingLog;
  /** What held-out pairs showed. */
  evaluation?: ReportEvaluation;
  /** What the pairs are like. */
  data?: ReportData;
}
