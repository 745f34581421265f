/** `run`: runs a pipeline, shows how far it is, and says at the end what came of it. */

import { loadPipeline } from "../../runner/load/load.ts";
import { runPipeline } from "../../runner/run/run.ts";
import { EXIT, exitCodeOf } from "../exit_code.ts";
import { Interrupts } from "../interrupt.ts";
import { withOwnCommands } from "../invocation.ts";
import { jsonText } from "../output.ts";
import {
  pipelineArgument,
  pipelineFlags,
  selectionFlags,
  selectionOf,
} from "../pipeline_argument.ts";
import { profileLines } from "../profile_table.ts";
import { progressView } from "../progress.ts";
import { summarizeRun, summaryLines } from "../run_summary.ts";
import { defineVerb } from "../verb.ts";

/** The verb. */
export const runVerb = defineVerb({
  name: "run",
  usage: "<pipeline> [options]",
  required: ["pipeline"],
  most: 1,
  flags: {
    ...pipelineFlags,
    ...selectionFlags,
    profile: {
      kind: "switch",
      help: "Show where stages that run spend their time, by operation; a few steps get slower.",
    },
    json: { kind: "switch", help: "Write what came of the run as JSON to stdout." },
  },
  examples: [
    ["run pipelines/demo.yaml", "Runs it; what is stored already is reused, what stopped goes on."],
    ["run pipelines/demo.yaml --set stages.orpo.with.beta=0.5", "Runs it with another beta."],
    ["run pipelines/demo.yaml --force=evaluate", "Evaluates again."],
  ],
  async run(input, context) {
    const pipeline = await loadPipeline(...pipelineArgument(input, context));
    using interrupts = new Interrupts(() =>
      context.say("Stopping: saving what is done (Ctrl-C again ends at once)")
    );
    using view = progressView((text) => context.show(text));
    const outcome = await runPipeline(pipeline, {
      ...selectionOf(input.flags),
      sink: view.sink,
      signal: interrupts.signal,
      profile: input.flags.profile,
    });
    const { runId: id, runDir: dir, status, manifest, error } = outcome;
    const summary = await summarizeRun({ id, dir, status, manifest });
    if (input.flags.json) context.write(jsonText(summary));
    if (error) context.say(withOwnCommands(error.format()));
    if (input.flags.profile) {
      for (const line of profileLines(manifest.stages)) context.say(line);
    }
    for (const line of summaryLines(summary)) context.say(line);
    if (status === "done") return EXIT.ok;
    return status === "interrupted" ? EXIT.interrupted : exitCodeOf(error);
  },
});
