/** Running: reuse, selection, the run directory, what a stage is given, what it is told off for. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { readEvents } from "../../src/runner/run/event_log.ts";
import { findArtifact, listRuns, readRun } from "../../src/runner/run/runs.ts";
import { pipelineOf, runAndListen, text, textStage, wordStages } from "./fake_pipeline.ts";
import { inScratch } from "../scratch.ts";

Deno.test("runPipeline: a second run reuses everything and calls no stage", async () => {
  await inScratch(async (dir) => {
    const { word, shout, repeat } = wordStages();
    const pipeline = pipelineOf(dir, [{ stage: word }, { stage: shout }, { stage: repeat }]);
    const first = await runAndListen(pipeline);
    assertEquals([first.status, first.exitCode], ["done", 0]);
    const second = await runAndListen(pipeline);
    assertEquals(second.manifest.stages.map((stage) => stage.status), [
      "reused",
      "reused",
      "reused",
    ]);
    assertEquals([word.calls, shout.calls, repeat.calls], [1, 1, 1]);
    assertEquals(second.manifest.stages[2]!.outputs, first.manifest.stages[2]!.outputs);
    assertEquals(second.manifest.stages[2]!.madeBy, first.runId);
    assertEquals(
      second.events.map((event) => event.type),
      ["run-start", "stage-reused", "stage-reused", "stage-reused", "run-end"],
    );
  });
});

Deno.test("runPipeline: the run directory holds pipeline, manifest, events, logs and links", async () => {
  await inScratch(async (dir) => {
    const { word } = wordStages();
    const speak = textStage("speak", (ctx) => {
      ctx.log("half way", "warn");
      ctx.metrics({ loss: 1.5 });
      ctx.record({ rows: 3 });
      ctx.record({ dropped: 1 });
      return "spoken";
    });
    const run = await runAndListen(pipelineOf(dir, [{ stage: word }, { stage: speak }]));
    assertMatch(run.runId, /^\d{8}-\d{6}-test-[0-9a-f]{6}$/);
    const written = JSON.parse(await Deno.readTextFile(join(run.runDir, "pipeline.json")));
    assertEquals(written.stages[0].id, "word");
    const manifest = JSON.parse(await Deno.readTextFile(join(run.runDir, "manifest.json")));
    assertEquals(manifest.status, "done");
    assertEquals(manifest.versions.deno, Deno.version.deno);
    assertEquals(manifest.pid, Deno.pid);
    assertEquals(manifest.stages[1].facts, { rows: 3, dropped: 1 });
    assertEquals(manifest.stages[1].reason, "new");
    const link = join(run.runDir, "stages", "speak", "text");
    assert((await Deno.readLink(link)).startsWith(".."), "the link is relative");
    assertEquals(await Deno.readTextFile(join(link, "value.txt")), "spoken");
    const log = await Deno.readTextFile(join(run.runDir, "stages", "speak", "log.txt"));
    assertStringIncludes(log, "warn half way");
    const events = await Array.fromAsync(readEvents(join(run.runDir, "events.jsonl")));
    assertEquals(events.map(({ time: _, ...event }) => event), run.events);
    assert(events.some((event) => event.type === "metrics" && event.values.loss === 1.5));
  });
});

Deno.test("runPipeline: stored files are read-only and linked, not copied, into each run", async () => {
  await inScratch(async (dir) => {
    const { word } = wordStages();
    const run = await runAndListen(pipelineOf(dir, [{ stage: word }]));
    const found = await findArtifact(await readRun("latest", join(dir, "runs")), "word");
    assertEquals(found.dir, await Deno.realPath(join(run.runDir, "stages", "word", "text")));
    const { mode } = await Deno.stat(join(found.dir, "value.txt"));
    if (Deno.build.os !== "windows") assertEquals(mode! & 0o222, 0);
  });
});

Deno.test("StageContext: a stage gets frozen config, seed, inputs read once, earlier records", async () => {
  await inScratch(async (dir) => {
    let reads = 0;
    const counted = { ...text, read: (at: string) => (reads++, text.read(at)) };
    const first = textStage("first", (ctx) => {
      ctx.record({ made: "by first" });
      return "x";
    }, { outputs: { text: counted } });
    const seen: Record<string, unknown> = {};
    const second = textStage("second", async (ctx) => {
      const handle = ctx.inputs.text!;
      assert(await handle.read() === await handle.read());
      assert(Object.isFrozen(ctx.config) && Object.isFrozen(ctx.config.nested));
      Object.assign(seen, { ref: handle.ref, seed: ctx.seed, device: ctx.device });
      Object.assign(seen, { path: ctx.resolvePath("data/x.jsonl"), records: ctx.run.records });
      Object.assign(seen, { name: ctx.run.pipelineName, stages: ctx.run.pipeline.stages });
      assertEquals((await Deno.stat(ctx.scratch)).isDirectory, true);
      return "y";
    }, { inputs: { text: counted } });
    const pipeline = pipelineOf(dir, [
      { stage: first },
      { stage: second, config: { nested: { a: 1 } } },
    ], { device: "cpu" });
    const { status } = await runAndListen(pipeline);
    assertEquals(status, "done");
    assertEquals(reads, 1);
    assertEquals(seen.ref, "first.text");
    assertEquals(seen.seed, "42/second");
    assertEquals(seen.device, "cpu");
    assertEquals(seen.path, join(dir, "data", "x.jsonl"));
    assertEquals(seen.records, { first: { made: "by first" } });
    // A reused stage's facts are there too.
    await runAndListen({ ...pipeline, seed: 42 }, { force: ["second"] });
    assertEquals(seen.records, { first: { made: "by first" } });
  });
});

Deno.test("StageContext.report: many reports become few events, the last one always", async () => {
  await inScratch(async (dir) => {
    const busy = textStage("busy", (ctx) => {
      for (let done = 1; done <= 1000; done++) ctx.report({ unit: "rows", done, total: 1000 });
      for (let done = 1; done <= 7; done++) ctx.report({ unit: "steps", done });
      return "x";
    });
    const { events } = await runAndListen(pipelineOf(dir, [{ stage: busy }]));
    const progress = events.flatMap((event) => event.type === "progress" ? [event.progress] : []);
    assertEquals(progress.map(({ unit, done }) => [unit, done]), [
      ["rows", 1],
      ["rows", 1000],
      ["steps", 1],
      ["steps", 7],
    ]);
  });
});

Deno.test("runPipeline: until stops after a stage, only runs one from stored inputs", async () => {
  await inScratch(async (dir) => {
    const { word, shout, repeat } = wordStages();
    const pipeline = pipelineOf(dir, [{ stage: word }, { stage: shout }, { stage: repeat }]);
    const missing = await runAndListen(pipeline, { only: "repeat" });
    assertEquals(missing.error?.code, "INPUT_NOT_STORED");
    assertEquals(repeat.calls, 0);
    const until = await runAndListen(pipeline, { until: "shout" });
    assertEquals(until.manifest.stages.map((s) => s.status), ["done", "done", "skipped"]);
    const only = await runAndListen(pipeline, { only: "repeat" });
    assertEquals(only.manifest.stages.map((s) => s.status), ["reused", "reused", "done"]);
    assertEquals([word.calls, shout.calls, repeat.calls], [1, 1, 1]);
    const first = await runAndListen(pipeline, { only: "word", force: true });
    assertEquals(first.manifest.stages.map((s) => s.status), ["done", "skipped", "skipped"]);
    assertEquals(word.calls, 2);
  });
});

Deno.test("runPipeline: unknown stages in until, only and force are errors before anything is made", async () => {
  await inScratch(async (dir) => {
    const pipeline = pipelineOf(dir, [{ stage: wordStages().word }]);
    for (const options of [{ until: "wrod" }, { only: "wrod" }, { force: ["wrod"] }]) {
      const error = await assertRejects(() => runAndListen(pipeline, options), OddsmithError);
      assertEquals(error.code, "UNKNOWN_STAGE_ID");
      assertStringIncludes(error.hint!, 'did you mean "word"?');
    }
    const both = { until: "word", only: "word" };
    const error = await assertRejects(() => runAndListen(pipeline, both), OddsmithError);
    assertEquals(error.code, "SELECTION_CONFLICT");
    assertEquals(await listRuns(join(dir, "runs")), []);
  });
});

Deno.test("runPipeline: force runs a stage anew without its checkpoint; later stages reuse an equal result", async () => {
  await inScratch(async (dir) => {
    const { word, shout } = wordStages();
    const pipeline = pipelineOf(dir, [{ stage: word }, { stage: shout }]);
    const { manifest } = await runAndListen(pipeline);
    const scratch = join(dir, "runs", ".store", "scratch", manifest.stages[0]!.cacheKey!);
    await Deno.mkdir(scratch);
    await Deno.writeTextFile(join(scratch, "checkpoint"), "old");
    let found: string[] = [];
    const run = word.run;
    word.run = async (ctx) => {
      found = (await Array.fromAsync(Deno.readDir(ctx.scratch))).map((entry) => entry.name);
      return await run(ctx);
    };
    const forced = await runAndListen(pipeline, { force: ["word"] });
    assertEquals(forced.manifest.stages.map((s) => [s.status, s.reason]), [
      ["done", "forced"],
      ["reused", "unchanged"],
    ]);
    assertEquals([word.calls, shout.calls, found], [2, 1, []]);
  });
});

Deno.test("runPipeline: a stage with cache never runs each time", async () => {
  await inScratch(async (dir) => {
    const fresh = textStage("fresh", () => "same", { cache: "never" });
    const { shout } = wordStages();
    const pipeline = pipelineOf(dir, [{ stage: fresh }, { stage: shout }]);
    await runAndListen(pipeline);
    const second = await runAndListen(pipeline);
    assertEquals([fresh.calls, shout.calls], [2, 1]);
    assertEquals(second.manifest.stages[0]!.reason, "cache: never");
    assertEquals((await runAndListen(pipeline, { only: "shout" })).status, "done");
    assertEquals(fresh.calls, 2);
  });
});

Deno.test("runPipeline: a file that changes while a stage reads it is not taken for its source", async () => {
  await inScratch(async (dir) => {
    const path = join(dir, "rows.txt");
    await Deno.writeTextFile(path, "one");
    const read = textStage("read", async () => {
      const value = await Deno.readTextFile(path);
      if (value === "one") await Deno.writeTextFile(path, "two");
      return value;
    }, { sources: () => Promise.resolve([path]) });
    const pipeline = pipelineOf(dir, [{ stage: read }]);
    const first = await runAndListen(pipeline);
    assert(first.events.some((e) => e.type === "log" && e.message.includes("changed meanwhile")));
    await Deno.writeTextFile(path, "one");
    await runAndListen(pipeline);
    assertEquals(read.calls, 2);
    const last = textStage("last", async () => {
      await Deno.remove(path);
      return "kept";
    }, { sources: () => Promise.resolve([path]) });
    assertEquals((await runAndListen(pipelineOf(dir, [{ stage: last }]))).status, "done");
  });
});
