/** Small stages that count their calls, and pipelines of them made without a loader. */

import { join } from "@std/path";
import type { JsonObject } from "../../src/base/json.ts";
import type { AnyStage, ArtifactType, StageContext } from "../../src/runner/contract.ts";
import type { RunEvent } from "../../src/runner/events.ts";
import type { ResolvedPipeline, ResolvedStage } from "../../src/runner/resolved.ts";
import { type RunOptions, type RunOutcome, runPipeline } from "../../src/runner/run/run.ts";

/** Text in one file. */
export const text: ArtifactType<string> = {
  kind: "text",
  version: 1,
  write: (value, dir) => Deno.writeTextFile(join(dir, "value.txt"), value),
  read: (dir) => Deno.readTextFile(join(dir, "value.txt")),
};

/** A context whose inputs are text. */
export type TextContext = StageContext<Record<string, typeof text>, Record<string, unknown>>;

/** Makes a stage with output `text` that counts how often it ran. */
export function textStage(
  name: string,
  run: (ctx: TextContext) => Promise<string> | string,
  more: Partial<AnyStage> = {},
): AnyStage & { calls: number } {
  const stage = {
    apiVersion: 1,
    name,
    version: "1",
    summary: "For tests.",
    inputs: {},
    outputs: { text },
    config: {
      "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
    },
    calls: 0,
    run: async (ctx: TextContext) => {
      stage.calls++;
      return { text: await run(ctx) };
    },
    ...more,
  } as AnyStage & { calls: number };
  return stage;
}

/** One stage of a pipeline made by `pipelineOf`. */
export interface Entry {
  stage: AnyStage;
  id?: string;
  config?: JsonObject;
  /** Port -> "stage-id.port"; default: port `text` takes the stage before. */
  inputs?: Record<string, string>;
  sourceDigest?: string;
  uses?: string;
}

/** Resolves a pipeline whose runs lie in `dir`/runs. */
export function pipelineOf(
  dir: string,
  entries: readonly Entry[],
  more: Partial<ResolvedPipeline> = {},
): ResolvedPipeline {
  const stages: ResolvedStage[] = [];
  for (const { stage, id = stage.name, config = {}, inputs, sourceDigest, uses } of entries) {
    const previous = stages.at(-1)?.id;
    const refs = inputs ??
      (Object.keys(stage.inputs).length > 0 ? { text: `${previous}.text` } : {});
    const connected = Object.entries(refs).map(([port, ref]) => {
      const [stageId, output] = ref.split(".");
      return [port, { stageId: stageId!, port: output! }] as const;
    });
    stages.push({
      id,
      stage,
      uses: uses ?? stage.name,
      config,
      configJson: config,
      inputs: Object.fromEntries(connected),
      ...(sourceDigest === undefined ? {} : { sourceDigest }),
    });
  }
  return {
    name: "test",
    seed: 42,
    device: "auto",
    runsDir: join(dir, "runs"),
    file: join(dir, "test.yaml"),
    baseDir: dir,
    stages,
    overrides: {},
    ...more,
  };
}

/** Runs a pipeline and keeps its events. */
export async function runAndListen(
  pipeline: ResolvedPipeline,
  options: Partial<RunOptions> = {},
): Promise<RunOutcome & { events: RunEvent[] }> {
  const events: RunEvent[] = [];
  const signal = options.signal ?? new AbortController().signal;
  const outcome = await runPipeline(pipeline, { signal, ...options, sink: (e) => events.push(e) });
  return { ...outcome, events };
}

/** Three stages in a row: a word, the word shouted, the word repeated `times`. */
export function wordStages() {
  return {
    word: textStage("word", (ctx) => String(ctx.config.word ?? "hello")),
    shout: textStage("shout", async (ctx) => (await ctx.inputs.text!.read()).toUpperCase(), {
      inputs: { text },
    }),
    repeat: textStage("repeat", async (ctx) => {
      return (await ctx.inputs.text!.read()).repeat(Number(ctx.config.times ?? 2));
    }, { inputs: { text } }),
  };
}

/** Changes a stored, read-only file behind the store's back, visibly at another time. */
export async function tamper(path: string, value: string): Promise<void> {
  await Deno.chmod(path, 0o644);
  await Deno.writeTextFile(path, value);
  await Deno.utime(path, 1, 1);
}
