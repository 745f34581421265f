/**
 * A pipeline whose second stage counts to 5 with a checkpoint at each step, and stops for good at
 * 3 the first time, while it runs or while its output is written. Run as a program it is there to
 * be killed: `deno run -A slow_pipeline.ts <dir> <running|writing>` prints "at 3" when it hangs.
 */

import { join } from "@std/path";
import type { ArtifactType } from "../../src/runner/contract.ts";
import type { ResolvedPipeline } from "../../src/runner/resolved.ts";
import { pipelineOf, runAndListen, text, type TextContext, textStage } from "./fake_pipeline.ts";

/** Lines of text, given as a stream. */
const lines: ArtifactType<string, AsyncIterable<string>> = {
  kind: "lines",
  version: 1,
  write: async (rows, dir) => {
    for await (const row of rows) {
      await Deno.writeTextFile(join(dir, "lines.txt"), row + "\n", { append: true });
    }
  },
  read: (dir) => Deno.readTextFile(join(dir, "lines.txt")),
};

async function* count(ctx: TextContext): AsyncGenerator<string> {
  const path = join(ctx.scratch, "checkpoint");
  const start = Number(await Deno.readTextFile(path).catch(() => "0"));
  ctx.record({ start });
  for (let at = start + 1; at <= 5; at++) {
    await Deno.writeTextFile(path, String(at));
    yield `${at}`;
    if (at === 3 && start === 0) await hang(ctx.signal);
  }
}

function hang(signal: AbortSignal): Promise<never> {
  console.log("at 3");
  return new Promise((_, reject) => {
    const alive = setInterval(() => {}, 1000);
    signal.addEventListener("abort", () => {
      clearInterval(alive);
      reject(signal.reason);
    });
  });
}

/** The pipeline; its stages hang where they run, or where their output is written. */
export function slowPipeline(dir: string, where: string): ResolvedPipeline {
  const before = textStage("before", () => "x");
  const slow = textStage("slow", () => "", {
    inputs: { text },
    outputs: { lines },
    run: async (ctx) => {
      const rows = count(ctx);
      if (where === "writing") return { lines: rows };
      const made = await Array.fromAsync(rows);
      return {
        lines: (async function* () {
          yield* made;
        })(),
      };
    },
  });
  return pipelineOf(dir, [{ stage: before }, { stage: slow }]);
}

/** A pipeline of twelve stages with 200 kB each, that never hangs. */
export function longPipeline(dir: string): ResolvedPipeline {
  const stages = Array.from({ length: 12 }, (_, at) =>
    textStage(`stage${at}`, async (ctx) => {
      const before = await ctx.inputs.text?.read();
      return before === undefined ? "x".repeat(200_000) : `${before}${at}`;
    }, at === 0 ? {} : { inputs: { text } }));
  return pipelineOf(dir, stages.map((stage) => ({ stage })));
}

if (import.meta.main) {
  const [dir, where] = Deno.args;
  const abort = new AbortController();
  Deno.addSignalListener("SIGINT", () => abort.abort(new Error("Ctrl-C")));
  const pipeline = where === "long" ? longPipeline(dir!) : slowPipeline(dir!, where!);
  console.log("started");
  const { exitCode } = await runAndListen(pipeline, { signal: abort.signal });
  Deno.exit(exitCode);
}
