/** `ls`: runs, the stages and artifacts of a run, or the built-in stages. */

import { format as formatBytes } from "@std/fmt/bytes";
import type { AnyStage } from "../../runner/contract.ts";
import { listRuns, readRun, type RunRecord } from "../../runner/run/runs.ts";
import { portDemand } from "../../runner/load/stage_contract.ts";
import { EXIT } from "../exit_code.ts";
import { jsonText } from "../output.ts";
import { formatDuration } from "../quantity.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import { formatTable } from "../table.ts";
import { type CliContext, defineVerb } from "../verb.ts";

/** The verb. */
export const lsVerb = defineVerb({
  name: "ls",
  usage: "[run | stages] [options]",
  required: [],
  most: 1,
  flags: { json: { kind: "switch", help: "Write the list as JSON." }, ...runsFlags },
  examples: [
    ["ls", "Lists runs, the newest first."],
    ["ls latest", "Lists the newest run's stages and artifacts."],
    ["ls stages", "Lists the built-in stages with what they take and give."],
  ],
  async run({ flags, positionals: [what] }, context) {
    const runsDir = runsDirOf(flags);
    if (what === "stages") listStages(context, flags.json);
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

function listStages(context: CliContext, json: boolean): void {
  const stages = [...context.registry.values()].map(describeStage);
  if (json) return context.write(jsonText(stages));
  const ports = (ports: readonly StagePort[]) =>
    ports.map(({ name, kind, optional }) => `${name}${optional ? "?" : ""}: ${kind}`).join(", ");
  const rows = stages.map(({ name, inputs, outputs, summary }) => [
    name,
    ports(inputs),
    ports(outputs),
    summary,
  ]);
  context.write(formatTable(["stage", "takes", "gives", "what it does"], rows));
}

interface StagePort {
  readonly name: string;
  readonly kind: string;
  readonly optional?: boolean;
}

function describeStage(stage: AnyStage) {
  const { name, version, summary } = stage;
  const declared: Record<string, Parameters<typeof portDemand>[0]> = stage.inputs;
  const inputs: StagePort[] = Object.entries(declared).map(([port, input]) => {
    const { type, optional, pick } = portDemand(input);
    return { name: port, kind: type.kind, optional, pick };
  });
  const given: Record<string, { kind: string }> = stage.outputs;
  const outputs: StagePort[] = Object.entries(given).map(([port, { kind }]) => ({
    name: port,
    kind,
  }));
  const options = stage.config["~standard"].jsonSchema?.input({ target: "draft-2020-12" });
  return { name, version, summary, inputs, outputs, options };
}

function elapsed(ms: number | undefined): string {
  return ms === undefined ? "" : formatDuration(ms);
}
