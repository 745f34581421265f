/** Looking at runs and cleaning them up. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { collectGarbage } from "../../src/runner/store/gc.ts";
import { readEvents } from "../../src/runner/run/event_log.ts";
import { findArtifact, listRuns, readPipelineJson, readRun } from "../../src/runner/run/runs.ts";
import { namesIn } from "../../src/runner/store/store.ts";
import { pipelineOf, runAndListen, textStage, wordStages } from "./fake_pipeline.ts";
import { inScratch } from "../scratch.ts";

async function codeOf(body: () => Promise<unknown>): Promise<string> {
  return (await assertRejects(body, OddsmithError)).code;
}

/** Runs word -> shout with another word each time. */
async function runWords(dir: string, words: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const word of words) {
    const stages = wordStages();
    const entries = [{ stage: stages.word, config: { word } }, { stage: stages.shout }];
    ids.push((await runAndListen(pipelineOf(dir, entries))).runId);
  }
  return ids;
}

Deno.test("readRun: by latest, start, end and folder; otherwise it says which there are", async () => {
  await inScratch(async (dir) => {
    const runsDir = join(dir, "runs");
    assertEquals(await codeOf(() => readRun("latest", runsDir)), "RUN_NOT_FOUND");
    const [first, second] = await runWords(dir, ["a", "b"]);
    assertEquals((await readRun("latest", runsDir)).id, second);
    for (const which of [first!, first!.slice(-6), join(runsDir, first!)]) {
      assertEquals((await readRun(which, runsDir)).id, first, which);
    }
    assertEquals(await codeOf(() => readRun(first!.slice(0, 4), runsDir)), "RUN_AMBIGUOUS");
    assertEquals(await codeOf(() => readRun("nothing", runsDir)), "RUN_NOT_FOUND");
    assertEquals((await listRuns(runsDir)).map((run) => run.id), [second, first]);
  });
});

Deno.test("listRuns: a broken manifest is reported and does not hide the others", async () => {
  await inScratch(async (dir) => {
    const runsDir = join(dir, "runs");
    const [first, second] = await runWords(dir, ["a", "b"]);
    await Deno.writeTextFile(join(runsDir, first!, "manifest.json"), "{");
    const problems: string[] = [];
    const runs = await listRuns(runsDir, (problem) => problems.push(problem.code));
    assertEquals([runs.map((run) => run.id), problems], [[second], ["BAD_MANIFEST"]]);
    assertEquals(await codeOf(() => readRun(first!, runsDir)), "BAD_MANIFEST");
    assertEquals(await codeOf(() => collectGarbage(runsDir)), "BAD_MANIFEST");
  });
});

Deno.test("readRun: a manifest or pipeline.json that lacks what it must have says what", async () => {
  await inScratch(async (dir) => {
    const runsDir = join(dir, "runs");
    const [id] = await runWords(dir, ["a"]);
    const path = join(runsDir, id!, "manifest.json");
    const manifest = JSON.parse(await Deno.readTextFile(path));
    const faultOf = async (change: (broken: typeof manifest) => void): Promise<string> => {
      const broken = structuredClone(manifest);
      change(broken);
      await Deno.writeTextFile(path, JSON.stringify(broken));
      const error = await assertRejects(() => readRun(id!, runsDir), OddsmithError);
      assertEquals([error.code, error.location?.file], ["BAD_MANIFEST", path]);
      return error.message;
    };
    assertStringIncludes(await faultOf((broken) => broken.stages[1] = null), '"stages.1"');
    assertStringIncludes(
      await faultOf((broken) => broken.stages[0].outputs.text.digest = "../../x"),
      '"stages.0.outputs.text.digest": expected 64 hexadecimal digits',
    );
    await Deno.writeTextFile(path, JSON.stringify(manifest));
    await Deno.writeTextFile(join(runsDir, id!, "pipeline.json"), "[]");
    const run = await readRun(id!, runsDir);
    assertEquals(await codeOf(() => readPipelineJson(run)), "BAD_MANIFEST");
  });
});

Deno.test("findArtifact: by stage and port, and says what there is or that it is gone", async () => {
  await inScratch(async (dir) => {
    await runWords(dir, ["a"]);
    const run = await readRun("latest", join(dir, "runs"));
    const found = await findArtifact(run, "shout.text");
    assertEquals([found.ref, found.type, found.sizeBytes], ["shout.text", "text@1", 1]);
    assertEquals((await findArtifact(run, "shout")).digest, found.digest);
    const unknown = await assertRejects(() => findArtifact(run, "shuot.text"), OddsmithError);
    assertEquals(unknown.code, "UNKNOWN_ARTIFACT");
    assertStringIncludes(unknown.hint!, `did you mean "shout.text"?`);
    await Deno.remove(found.dir, { recursive: true });
    assertEquals(await codeOf(() => findArtifact(run, "shout")), "ARTIFACT_GONE");
  });
});

Deno.test("readEvents: the torn last line of a killed run is left out", async () => {
  await inScratch(async (dir) => {
    const path = join(dir, "events.jsonl");
    await Deno.writeTextFile(path, `{"time":"t","type":"log"}\n{"time":"t","ty`);
    assertEquals((await Array.fromAsync(readEvents(path))).length, 1);
    assertEquals(await Array.fromAsync(readEvents(join(dir, "none.jsonl"))), []);
  });
});

Deno.test("collectGarbage: keeps what runs refer to, removes what only removed runs did", async () => {
  await inScratch(async (dir) => {
    const runsDir = join(dir, "runs");
    assertEquals((await collectGarbage(runsDir)).removed, []);
    const [, , third] = await runWords(dir, ["a", "b", "a"]);
    assertEquals((await collectGarbage(runsDir)).removed, []);
    const plan = await collectGarbage(runsDir, { keepRuns: 1, dryRun: true });
    assertEquals((await listRuns(runsDir)).length, 3);
    const done = await collectGarbage(runsDir, { keepRuns: 1 });
    assertEquals(done, plan);
    const count = (what: string) => done.removed.filter((item) => item.what === what).length;
    // Of "b": both artifacts and records. The latest pointers name those of "a".
    assertEquals([count("run"), count("artifact"), count("record")], [2, 2, 2]);
    assertEquals(done.freedBytes, done.removed.reduce((sum, item) => sum + item.sizeBytes, 0));
    assertEquals((await listRuns(runsDir)).map((run) => run.id), [third]);
    await findArtifact(await readRun("latest", runsDir), "shout");
    const { word, shout } = wordStages();
    const again = pipelineOf(dir, [{ stage: word, config: { word: "a" } }, { stage: shout }]);
    await runAndListen(again);
    assertEquals([word.calls, shout.calls], [0, 0]);
  });
});

Deno.test("collectGarbage: a run folder deleted by hand frees its artifacts; age and count both decide", async () => {
  await inScratch(async (dir) => {
    const runsDir = join(dir, "runs");
    const [first] = await runWords(dir, ["a", "b"]);
    assertEquals((await collectGarbage(runsDir, { keepRuns: 1, olderThanDays: 1 })).removed, []);
    await Deno.remove(join(runsDir, first!), { recursive: true });
    const { removed } = await collectGarbage(runsDir);
    assertEquals(removed.filter((item) => item.what === "artifact").length, 2);
    await collectGarbage(runsDir, { olderThanDays: 0 });
    assertEquals(await listRuns(runsDir), []);
    assertEquals(await namesIn(join(runsDir, ".store", "artifacts")), []);
    assertEquals(await namesIn(join(runsDir, ".store", "latest")), []);
  });
});

Deno.test("collectGarbage: a living run, its inputs and its checkpoint are left alone", async () => {
  await inScratch(async (dir) => {
    const runsDir = join(dir, "runs");
    const store = join(runsDir, ".store");
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slow = textStage("slow", async (ctx) => {
      await Deno.writeTextFile(join(ctx.scratch, "checkpoint"), "1");
      started.resolve();
      await release.promise;
      return await ctx.inputs.text!.read() +
        await Deno.readTextFile(join(ctx.scratch, "checkpoint"));
    }, { inputs: wordStages().shout.inputs });
    const running = runAndListen(pipelineOf(dir, [{ stage: wordStages().word }, { stage: slow }]));
    await started.promise;
    await Deno.mkdir(join(store, "scratch", "a".repeat(64)));
    await Deno.mkdir(join(store, "tmp", `${"b".repeat(64)}-1`));
    await Deno.mkdir(join(runsDir, ".tmp-half-made"));
    const { removed, inUse } = await collectGarbage(runsDir, { keepRuns: 0 });
    release.resolve();
    const { status, runId } = await running;
    assertEquals(removed.map((item) => item.what), ["scratch", "temporary", "temporary"]);
    assertEquals([status, inUse], ["done", [runId]]);
  });
});
