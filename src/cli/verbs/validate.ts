/** `validate`: every problem of a pipeline file at once; runs nothing. */

import type { OddsmithError } from "../../base/error.ts";
import { PipelineProblems } from "../../runner/errors.ts";
import { validatePipeline } from "../../runner/load/load.ts";
import { EXIT } from "../exit_code.ts";
import { jsonText } from "../output.ts";
import { pipelineArgument, pipelineFlags } from "../pipeline_argument.ts";
import { defineVerb } from "../verb.ts";

/** The verb. */
export const validateVerb = defineVerb({
  name: "validate",
  usage: "<pipeline> [options]",
  required: ["pipeline"],
  most: 1,
  flags: {
    ...pipelineFlags,
    json: { kind: "switch", help: "Write the problems as JSON to stdout." },
  },
  examples: [["validate pipelines/demo.yaml", "Names every problem with its place and a hint."]],
  async run(input, context) {
    const { problems, notes, pipeline } = await validatePipeline(
      ...pipelineArgument(input, context),
    );
    if (input.flags.json) {
      context.write(
        jsonText({ valid: problems.length === 0, problems: problems.map(asJson), notes }),
      );
    } else if (pipeline) {
      context.say(`${pipeline.name}: ${pipeline.stages.length} stages, no problems`);
      for (const note of notes) context.say(`  ${note}`);
    } else {
      context.say(new PipelineProblems(problems).format());
    }
    return problems.length === 0 ? EXIT.ok : EXIT.badUsage;
  },
});

function asJson({ kind, code, message, location, hint }: OddsmithError): object {
  return { kind, code, message, location, hint };
}
