/** The ingest stage: its contract, its options, its sources, what it records. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { assertStageContract, tryStage } from "../../src/runner/testing.ts";
import ingest from "../../stages/ingest.ts";
import { jsonl, numberPair, tempDir } from "./support.ts";

const FILES = {
  "a.jsonl": jsonl([...Array(40).keys()].map(numberPair)),
  "b.jsonl": jsonl([...Array(60).keys()].map(numberPair)),
  "held.jsonl": jsonl([3, 4].map(numberPair)),
};

Deno.test("ingest: keeps the stage contract", async () => {
  await using dir = await tempDir(FILES);
  await assertStageContract(ingest, {
    config: {
      source: ["a.jsonl", { path: "b.jsonl", weight: 1.5, columns: { prompt: "prompt" } }],
      evalSource: "held.jsonl",
      limit: 50,
    },
    baseDir: dir.path,
  });
});

Deno.test("ingest: writes both splits, with statistics in the data set and the manifest", async () => {
  await using dir = await tempDir(FILES);
  await using trial = await tryStage(ingest, {
    config: { source: ["a.jsonl", "b.jsonl"] },
    baseDir: dir.path,
  });
  const { counts, stats, rows } = await trial.outputs.pairs.read();
  assertEquals(counts.train + counts.eval, 60);
  assert(counts.eval > 0, "by default a tenth is held out");
  assertEquals(stats, trial.record);
  assertEquals(stats.rows, 100);
  assertEquals((stats.dropped as { duplicate: { rows: number } }).duplicate.rows, 40);
  const [first] = await Array.fromAsync(rows("train"));
  assertEquals(first!.source.split(":")[0], "a.jsonl");
  assertEquals(trial.progress.at(-1)!.done, trial.progress.at(-1)!.total);
  assertEquals(trial.logs.map(({ level }) => level), ["warn"]);
  assert(trial.logs[0]!.message.includes("duplicate 40"), trial.logs[0]!.message);
});

Deno.test("ingest: settings beside the source are every entry's default", async () => {
  await using dir = await tempDir({
    "a.txt": jsonl([{ q: "1 and", chosen: " 2", rejected: " tea" }]),
    "b.csv": "frage,chosen,rejected\n2 and, 3, tea\n",
  });
  await using trial = await tryStage(ingest, {
    config: {
      source: ["a.txt", { path: "b.csv", format: "csv", columns: { prompt: "frage" } }],
      format: "jsonl",
      columns: { prompt: "q" },
      evalFraction: 0,
    },
    baseDir: dir.path,
  });
  assertEquals((await trial.outputs.pairs.read()).counts, { train: 2, eval: 0 });
});

Deno.test("ingest: sources names every file, held-out ones too", async () => {
  await using dir = await tempDir(FILES);
  const config = { source: "[ab].jsonl", evalSource: ["held.jsonl"] };
  const resolved = await ingest.config["~standard"].validate(config);
  assert("value" in resolved);
  const resolvePath = (path: string) => join(dir.path, path);
  const files = await ingest.sources!(resolved.value, resolvePath);
  assertEquals(files, ["a.jsonl", "b.jsonl", "held.jsonl"].map(resolvePath));
  const missing = { ...resolved.value, source: "c.jsonl" };
  await assertRejects(() => ingest.sources!(missing, resolvePath), Error, "no such file");
});

Deno.test("ingest: an evaluation source and a fraction contradict each other", async () => {
  const config = { source: "a.jsonl", evalSource: "b.jsonl", evalFraction: 0.1 };
  const { issues } = await ingest.config["~standard"].validate(config);
  assertEquals(issues?.map(({ path }) => path), [["evalFraction"]]);
});

Deno.test("ingest: an unknown option is refused, inside a source too", async () => {
  for (const config of [{ source: "a", sourc: "b" }, { source: { path: "a", wieght: 2 } }]) {
    const { issues } = await ingest.config["~standard"].validate(config);
    assert(issues !== undefined && issues.length > 0);
  }
});
