/** The built-in stages, by the name a pipeline file uses. Importing them loads nothing heavy. */

import type { AnyStage } from "../src/runner/contract.ts";
import { evaluate } from "./evaluate.ts";
import { exportStage } from "./export.ts";
import { ingest } from "./ingest.ts";
import { model } from "./model.ts";
import { orpo } from "./orpo.ts";
import { report } from "./report.ts";
import { template } from "./template.ts";
import { tokenize } from "./tokenize.ts";

export { evaluate, exportStage, ingest, model, orpo, report, template, tokenize };

/** Every built-in stage by name, in the order a pipeline chains them. */
export const builtinStages: ReadonlyMap<string, AnyStage> = new Map<string, AnyStage>(
  [model, ingest, template, tokenize, orpo, evaluate, exportStage, report].map((
    stage,
  ) => [stage.name, stage]),
);
