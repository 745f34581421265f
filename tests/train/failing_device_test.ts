/** The orpo stage on a device that fails in mid-training, as its users see it: as processes. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { readRun } from "../../src/runner/run/runs.ts";
import { Workplace } from "../cli/program.ts";
import { skipWebGPU } from "../tensor/backends.ts";
import { runLimited, skipLimits } from "../tensor/limited_memory.ts";

const CHILD = new URL("failing_device_child.ts", import.meta.url).href;
const DEMO = fromFileUrl(new URL("../../pipelines/demo.yaml", import.meta.url));
const OPTIONS = ["maxSteps=6", "saveSteps=2", "evalSteps=0", "loggingSteps=2"];

/** The words of a short demo whose runs are kept in a folder. */
function wordsFor(runsDir: string): string[] {
  const set = [`runsDir=${runsDir}`, "stages.ingest.with.evalFraction=0.03"]
    .concat(OPTIONS.map((option) => `stages.orpo.with.${option}`))
    .flatMap((word) => ["--set", word]);
  return ["run", DEMO, "--device", "webgpu", "--until", "orpo", ...set];
}

/** What the newest run in a folder says of its training. */
async function trainingIn(runsDir: string) {
  const { manifest } = await readRun("latest", runsDir);
  const { status, outputs, facts } = manifest.stages.find(({ id }) => id === "orpo")!;
  const { resumedFrom, microBatchTokens } = facts;
  return { status, digest: outputs.model?.digest, resumedFrom, microBatchTokens };
}

/** What every failure must say, whatever failed. */
function assertWayOn({ code, stderr }: { code: number; stderr: string }, runsDir: string): void {
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, `the checkpoint of step 4 is whole, in ${runsDir}/.store/scratch/`);
  assertMatch(stderr, /held by this process: [\d.]+ MiB; allowed: .* a buffer, .* a binding/);
  assertMatch(stderr, /lower microBatchTokens \(now 4096\), .*memoryBudget .*maxLength/);
  assertMatch(stderr, /`.* run .*demo\.yaml .*maxSteps=6.*` goes on from there/);
}

Deno.test({
  name: "orpo: a device lost in mid-training, then resumed, equals straight, bit for bit",
  ignore: skipWebGPU,
  fn: async () => {
    await using bare = await Workplace.make();
    // One cache: what kernels are chosen by is measured once.
    const place = bare.withEnv({ ODDSMITH_CACHE: join(bare.dir, "cache") });
    const [straight, lost] = [join(place.dir, "straight"), join(place.dir, "lost")];
    const first = await place.run(...wordsFor(straight));
    assertEquals(first.code, 0, first.stderr);
    const { digest } = await trainingIn(straight);

    const failed = await place.program(CHILD, "lost", lost, ...wordsFor(lost));
    assertWayOn(failed, lost);
    assertMatch(failed.stderr, /TrainError DEVICE_LOST: .* the GPU device was lost \(destroyed\)/);
    assertEquals((await trainingIn(lost)).status, "failed");

    const resumed = await place.run(...wordsFor(lost));
    assertEquals(resumed.code, 0, resumed.stderr);
    const { microBatchTokens: _, ...ended } = await trainingIn(lost);
    assertEquals(ended, { status: "done", digest, resumedFrom: 4 });
  },
});

Deno.test({
  name: "orpo: memory that runs out ends with asked and held; smaller micro-batches go on",
  ignore: skipLimits,
  fn: async () => {
    await using place = await Workplace.make();
    const runsDir = join(place.dir, "runs");
    const env = { ODDSMITH_CACHE: join(place.dir, "cache") };
    const failed = await runLimited(CHILD, ["full", runsDir, ...wordsFor(runsDir)], 2048, env);
    assertWayOn(failed, runsDir);
    assertMatch(failed.stderr, /TrainError OUT_OF_MEMORY: .* asked for: [\d.]+ \w*B; held/);

    const smaller = ["--set", "stages.orpo.with.microBatchTokens=600"];
    const resumed = await place.withEnv(env).run(...wordsFor(runsDir), ...smaller);
    assertEquals(resumed.code, 0, resumed.stderr);
    const { status, resumedFrom, microBatchTokens } = await trainingIn(runsDir);
    assertEquals([status, resumedFrom, microBatchTokens], ["done", 4, 600]);
  },
});
