/** `plan`: what a run would do with each stage, and why; runs nothing. */

import { loadPipeline } from "../../runner/load/load.ts";
import { planPipeline } from "../../runner/plan/plan.ts";
import { EXIT } from "../exit_code.ts";
import { jsonText } from "../output.ts";
import {
  pipelineArgument,
  pipelineFlags,
  selectionFlags,
  selectionOf,
} from "../pipeline_argument.ts";
import { formatTable } from "../table.ts";
import { defineVerb } from "../verb.ts";

/** The verb. */
export const planVerb = defineVerb({
  name: "plan",
  usage: "<pipeline> [options]",
  required: ["pipeline"],
  most: 1,
  flags: {
    ...pipelineFlags,
    ...selectionFlags,
    json: { kind: "switch", help: "Write the rows as JSON." },
  },
  examples: [
    [
      "plan pipelines/demo.yaml --set stages.orpo.with.beta=0.5",
      "Shows which stages that change makes run again.",
    ],
  ],
  async run(input, context) {
    const pipeline = await loadPipeline(...pipelineArgument(input, context));
    const rows = await planPipeline(pipeline, selectionOf(input.flags));
    if (input.flags.json) {
      context.write(jsonText({ pipeline: pipeline.name, stages: rows }));
    } else {
      const cells = rows.map(({ stageId, action, reason }) => [stageId, action, reason]);
      context.write(formatTable(["stage", "action", "reason"], cells));
      for (const { stageId, forecast = [] } of rows) {
        for (const line of forecast) context.write(`${stageId}: ${line}\n`);
      }
    }
    return EXIT.ok;
  },
});
