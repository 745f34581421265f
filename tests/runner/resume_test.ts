/** Stopping at any moment, by signal or by kill, and going on with the same command. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { collectGarbage } from "../../src/runner/store/gc.ts";
import { planPipeline } from "../../src/runner/plan/plan.ts";
import { findArtifact, listRuns, readRun } from "../../src/runner/run/runs.ts";
import { namesIn, verifyStore } from "../../src/runner/store/store.ts";
import { pipelineOf, runAndListen, tamper, textStage, wordStages } from "./fake_pipeline.ts";
import { longPipeline, slowPipeline } from "./slow_pipeline.ts";
import { inScratch } from "../scratch.ts";

/** Starts a pipeline of slow_pipeline.ts in a process and waits until it has said `until`. */
async function startSlow(dir: string, where: string, until = "at 3"): Promise<Deno.ChildProcess> {
  const script = fromFileUrl(new URL("slow_pipeline.ts", import.meta.url));
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config, script, dir, where],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  for (let said = ""; !said.includes(until);) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the process ended and only said "${said}"`);
    said += new TextDecoder().decode(value);
  }
  await reader.cancel();
  return child;
}

for (const where of ["running", "writing"]) {
  Deno.test(`runPipeline: killed while ${where}, the run reads as killed and the next one resumes`, async () => {
    await inScratch(async (dir) => {
      const runsDir = join(dir, "runs");
      const child = await startSlow(dir, where);
      assertEquals((await readRun("latest", runsDir)).status, "running");
      child.kill("SIGKILL");
      await child.status;
      const killed = await readRun("latest", runsDir);
      assertEquals(killed.status, "killed");
      assertEquals(killed.manifest.stages.map((s) => s.status), ["done", "killed"]);
      assertEquals(killed.manifest.stages[1]!.outputs, {});
      const pipeline = slowPipeline(dir, where);
      const [, row] = await planPipeline(pipeline);
      assertEquals(row!.reason, "unfinished, goes on from its checkpoint");
      const resumed = await runAndListen(pipeline);
      assertEquals(resumed.manifest.stages.map((s) => s.status), ["reused", "done"]);
      assertEquals(resumed.manifest.stages[1]!.facts, { start: 3 });
      const found = await findArtifact(await readRun(resumed.runId, runsDir), "slow.lines");
      assertEquals(await Deno.readTextFile(join(found.dir, "lines.txt")), "4\n5\n");
      assertEquals(await namesIn(join(runsDir, ".store", "scratch")), []);
      await collectGarbage(runsDir);
      assertEquals(await namesIn(join(runsDir, ".store", "tmp")), []);
      assertEquals(await namesIn(join(runsDir, ".store", "locks")), ["store.lock"]);
    });
  });
}

Deno.test("runPipeline: killed at any moment, again and again, it leaves no half artifact", async () => {
  await inScratch(async (dir) => {
    const runsDir = join(dir, "runs");
    for (const wait of [5, 15, 30, 60]) {
      const child = await startSlow(dir, "long", "started");
      await new Promise((resolve) => setTimeout(resolve, wait));
      child.kill("SIGKILL");
      await child.status;
    }
    const whole = await runAndListen(longPipeline(dir));
    assertEquals(whole.status, "done");
    for await (const { state } of verifyStore(runsDir)) assertEquals(state, { state: "ok" });
    for (const run of await listRuns(runsDir)) assert(["killed", "done"].includes(run.status));
    const found = await findArtifact(await readRun("latest", runsDir), "stage11");
    const made = await Deno.readTextFile(join(found.dir, "value.txt"));
    assertEquals(made.slice(199_999), "x1234567891011");
    await collectGarbage(runsDir);
    assertEquals(await namesIn(join(runsDir, ".store", "tmp")), []);
    assertEquals((await namesIn(runsDir)).filter((name) => name.startsWith(".tmp")), []);
  });
});

Deno.test("runPipeline: Ctrl-C lets the stage save, says interrupted, exits 130 and resumes", async () => {
  await inScratch(async (dir) => {
    const child = await startSlow(dir, "running");
    child.kill("SIGINT");
    assertEquals((await child.status).code, 130);
    const run = await readRun("latest", join(dir, "runs"));
    assertEquals(run.status, "interrupted");
    assertEquals(run.manifest.stages.map((stage) => stage.status), ["done", "interrupted"]);
    const resumed = await runAndListen(slowPipeline(dir, "running"));
    assertEquals(resumed.manifest.stages[1]!.facts, { start: 3 });
    assertEquals(resumed.status, "done");
  });
});

Deno.test("runPipeline: an abort between stages stops before the next, one that came too late does not count", async () => {
  await inScratch(async (dir) => {
    const abort = new AbortController();
    const word = textStage("word", () => {
      abort.abort();
      return "finished all the same";
    });
    const { shout } = wordStages();
    const pipeline = pipelineOf(dir, [{ stage: word }, { stage: shout }]);
    const stopped = await runAndListen(pipeline, { signal: abort.signal });
    assertEquals([stopped.status, stopped.exitCode], ["interrupted", 130]);
    assertEquals(stopped.manifest.stages.map((stage) => stage.status), ["done", "pending"]);
    const late = new AbortController();
    const last = textStage("last", () => {
      late.abort();
      return "finished";
    });
    const done = await runAndListen(pipelineOf(dir, [{ stage: last }]), { signal: late.signal });
    assertEquals(done.status, "done");
    assertEquals((await runAndListen(pipeline)).status, "done");
    assertEquals(word.calls, 1);
  });
});

Deno.test("runPipeline: an error while stopping is told, the run is still interrupted", async () => {
  await inScratch(async (dir) => {
    const abort = new AbortController();
    const stage = textStage("stage", () => {
      abort.abort();
      throw new Error("checkpoint lost");
    });
    const run = await runAndListen(pipelineOf(dir, [{ stage }]), { signal: abort.signal });
    assertEquals(run.status, "interrupted");
    const logs = run.events.flatMap((event) => event.type === "log" ? [event.message] : []);
    assertEquals(logs[0], "failed to stop well: checkpoint lost");
    assertStringIncludes(logs[1]!, "test.yaml` goes on from there");
  });
});

Deno.test("runPipeline: a crash after the artifact and before its record makes the stage run again, once", async () => {
  await inScratch(async (dir) => {
    const { word } = wordStages();
    const pipeline = pipelineOf(dir, [{ stage: word }]);
    const first = await runAndListen(pipeline);
    const { cacheKey, outputs } = first.manifest.stages[0]!;
    const store = join(dir, "runs", ".store");
    const artifact = join(store, "artifacts", outputs.text!.digest);
    const before = await Deno.stat(artifact);
    await Deno.remove(join(store, "keys", `${cacheKey}.json`));
    const second = await runAndListen(pipeline);
    assertEquals(word.calls, 2);
    assertEquals(second.manifest.stages[0]!.outputs, outputs);
    assertEquals((await Deno.stat(artifact)).ino, before.ino);
    assertEquals(await namesIn(join(store, "tmp")), []);
    await runAndListen(pipeline);
    assertEquals(word.calls, 2);
  });
});

Deno.test("runPipeline: of two runs of one pipeline at once the second says who makes the result", async () => {
  await inScratch(async (dir) => {
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const make = () =>
      textStage("word", async () => {
        started.resolve();
        await release.promise;
        return "x";
      });
    const first = runAndListen(pipelineOf(dir, [{ stage: make() }]));
    await started.promise;
    const second = await runAndListen(pipelineOf(dir, [{ stage: make() }]));
    const other = await runAndListen(pipelineOf(dir, [{ stage: wordStages().word, id: "other" }]));
    release.resolve();
    const { runId, status } = await first;
    assertEquals([status, second.status, other.status], ["done", "failed", "done"]);
    assertEquals(second.error?.code, "RUN_LOCKED");
    assertStringIncludes(second.error!.message, `process ${Deno.pid}, run ${runId},`);
    const third = await runAndListen(pipelineOf(dir, [{ stage: make() }]));
    assertEquals(third.manifest.stages[0]!.status, "reused");
  });
});

Deno.test("runPipeline: a damaged artifact is made again with a warning, and is whole afterwards", async () => {
  await inScratch(async (dir) => {
    const { word, shout } = wordStages();
    const pipeline = pipelineOf(dir, [{ stage: word }, { stage: shout }]);
    const { manifest } = await runAndListen(pipeline);
    const { digest } = manifest.stages[0]!.outputs.text!;
    const file = join(dir, "runs", ".store", "artifacts", digest, "files", "value.txt");
    await tamper(file, "hellO");
    const again = await runAndListen(pipeline);
    assertEquals([word.calls, shout.calls], [2, 1]);
    const warnings = again.events.filter((event) => event.type === "log" && event.level === "warn");
    assertEquals(warnings.length, 1);
    assert("message" in warnings[0]! && warnings[0].message.includes("another content"));
    assertEquals(await Deno.readTextFile(file), "hello");
    await runAndListen(pipeline);
    assertEquals(word.calls, 2);
  });
});
