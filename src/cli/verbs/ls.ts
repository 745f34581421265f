/** `ls`: runs, the stages and artifacts of a run, or the built-in stages and their options. */

import { format as formatBytes } from "@std/fmt/bytes";
import { listRuns, readRun, type RunRecord } from "../../runner/run/runs.ts";
import { unknownStage } from "../../runner/load/stage_errors.ts";
import { extraArgument } from "../errors.ts";
import { EXIT } from "../exit_code.ts";
import { usageLine } from "../help.ts";
import { jsonText } from "../output.ts";
import { formatDuration } from "../quantity.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import { describeStage, stagesTable, stageText } from "../stage_list.ts";
import { formatTable } from "../table.ts";
import { type CliContext, defineVerb } from "../verb.ts";

/** The verb. */
export const lsVerb = defineVerb({
  name: "ls",
  usage: "[run | stages [stage]] [options]",
  required: [],
  most: 2,
  flags: { json: { kind: "switch", help: "Write the list as JSON." }, ...runsFlags },
  examples: [
    ["ls", "Lists runs, the newest first."],
    ["ls latest", "Lists the newest run's stages and artifacts."],
    ["ls stages", "Lists the built-in stages with what they take and give."],
    ["ls stages orpo", "Lists a stage's options with their defaults."],
  ],
  async run({ flags, positionals: [what, name] }, context) {
    const runsDir = runsDirOf(flags);
    if (what === "stages") listStages(context, name, flags.json);
    else if (name !== undefined) throw extraArgument("ls", usageLine(lsVerb, false), name);
    else if (what !== undefined) listRun(context, await readRun(what, runsDir), flags.json);
    else await listAllRuns(context, runsDir, flags.json);
    return EXIT.ok;
  },
});

async function listAllRuns(context: CliContext, runsDir: string, json: boolean): Promise<void> {
  const runs = await listRuns(runsDir, (problem) => context.say(problem.format()));
  if (json) {
    context.write(jsonText(runs.map(({ id, dir, status, manifest }) => ({
      id,
      dir,
      status,
      pipeline: manifest.pipeline,
      startedAt: manifest.startedAt,
      elapsedMs: manifest.elapsedMs,
    }))));
  } else if (runs.length === 0) {
    context.say(`no runs in ${runsDir}`);
  } else {
    const rows = runs.map(({ id, status, manifest }) => [
      id,
      status,
      manifest.pipeline,
      `${manifest.startedAt.slice(0, 19).replace("T", " ")} UTC`,
      elapsed(manifest.elapsedMs),
    ]);
    context.write(formatTable(["run", "status", "pipeline", "started", "took"], rows));
  }
}

function listRun(context: CliContext, run: RunRecord, json: boolean): void {
  const { stages } = run.manifest;
  if (json) return context.write(jsonText({ id: run.id, status: run.status, stages }));
  const rows = stages.flatMap((stage) => {
    const outputs = Object.entries(stage.outputs);
    const head = [stage.id, stage.status, elapsed(stage.elapsedMs)];
    if (outputs.length === 0) return [head];
    return outputs.map(([port, { type, sizeBytes, digest }], index) => [
      ...(index === 0 ? head : ["", "", ""]),
      `${stage.id}.${port}`,
      type,
      formatBytes(sizeBytes, { binary: true }),
      digest.slice(0, 12),
    ]);
  });
  const heading = ["stage", "status", "took", "artifact", "type", "size", "digest"];
  context.write(formatTable(heading, rows));
}

function listStages(context: CliContext, name: string | undefined, json: boolean): void {
  const stages = [...context.registry.values()].map(describeStage);
  if (name === undefined) {
    return context.write(json ? jsonText(stages) : stagesTable(stages));
  }
  const stage = stages.find((one) => one.name === name);
  if (!stage) throw unknownStage(name, context.registry.keys(), undefined);
  context.write(json ? jsonText(stage) : stageText(stage));
}

function elapsed(ms: number | undefined): string {
  return ms === undefined ? "" : formatDuration(ms);
}
