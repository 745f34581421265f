import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { assertStageContract, datasetOf, tryStage } from "../../src/runner/testing.ts";
import { report } from "../../stages/report.ts";
import { writeSampleRun } from "./sample_run.ts";

async function withRun(check: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await writeSampleRun(dir);
    await check(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const ids = (count: number) => Array.from({ length: count }, () => 1);
const pairs = () =>
  datasetOf({
    train: [5, 9].map((length, i) => ({
      id: String(i),
      source: "a.jsonl:1",
      promptIds: ids(4),
      chosenIds: ids(length),
      rejectedIds: ids(6),
    })),
  });

Deno.test("report: keeps the stage contract", async () => {
  await withRun(async (dir) => {
    await assertStageContract(report, {
      inputs: { log: { dir: join(dir, "log") }, evaluation: { dir: join(dir, "evaluation") } },
    });
  });
});

Deno.test("report: draws what its inputs hold", async () => {
  await withRun(async (dir) => {
    await using trial = await tryStage(report, {
      config: { title: "A title & more" },
      inputs: {
        log: { dir: join(dir, "log") },
        evaluation: { dir: join(dir, "evaluation") },
        pairs: pairs(),
      },
    });
    const page = await Deno.readTextFile(join(trial.outputs.report.dir, "report.html"));
    for (const text of ["A title &amp; more", "98.1%", "2 pairs to train on", "Gladly! The cap"]) {
      assertStringIncludes(page, text);
    }
  });
});

Deno.test("report: without any input the page says so", async () => {
  await using trial = await tryStage(report, {});
  const page = await Deno.readTextFile(join(trial.outputs.report.dir, "report.html"));
  assertStringIncludes(page, "neither trained nor evaluated");
});

Deno.test("report: output places a copy, from the pipeline's folder, in folders it makes", async () => {
  await withRun(async (dir) => {
    await using trial = await tryStage(report, {
      config: { output: "pages/report.html" },
      baseDir: dir,
    });
    const page = await Deno.readTextFile(join(trial.outputs.report.dir, "report.html"));
    assertEquals(await Deno.readTextFile(join(dir, "pages", "report.html")), page);
    assert(trial.logs.some(({ message }) => message.includes(join(dir, "pages", "report.html"))));
  });
});
