/** Pipeline files, and what a runs directory holds, against damage: named, never half believed. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import type { Json } from "../../src/base/json.ts";
import type { Rng } from "../../src/base/rng.ts";
import { validatePipeline } from "../../src/runner/load/load.ts";
import { readEvents } from "../../src/runner/run/event_log.ts";
import { findArtifact, listRuns, readPipelineJson, readRun } from "../../src/runner/run/runs.ts";
import { CacheRecords } from "../../src/runner/store/cache_records.ts";
import { collectGarbage } from "../../src/runner/store/gc.ts";
import { FileDigests } from "../../src/runner/store/file_digests.ts";
import { namesIn, Store } from "../../src/runner/store/store.ts";
import { builtinStages } from "../../stages/mod.ts";
import { fuzz, fuzzFolder, type Outcome, readOrRefuse } from "../fuzz/fuzz.ts";
import { anywhere, mutate } from "../fuzz/mutations.ts";
import { mutateJson, mutateText } from "../fuzz/text_mutations.ts";
import { pipelineOf, runAndListen, wordStages } from "./fake_pipeline.ts";

const FOLDER = await fuzzFolder();
const encode = (text: string) => new TextEncoder().encode(text);

const MARKS = [
  ": ",
  "- ",
  "\n",
  "  ",
  "\t",
  "#",
  "&a ",
  "*a",
  "!!str ",
  "!!float ",
  "!!binary ",
  "|\n",
  ">-\n",
  "? ",
  "---\n",
  "...\n",
  "%YAML 1.1\n",
  "{",
  "}",
  "[",
  "]",
  ",",
  '"',
  "'",
  "\u0000",
  "\u2028",
  "~",
  "<<: ",
  ".inf",
  ".nan",
  "0x1F",
  "1e999",
  "2026-01-01",
  "constructor: ",
  "__proto__: ",
  "&a [*a, *a]",
  "\uFEFF",
  "with: ",
  "id: ",
  "uses: ",
  "inputs: ",
  "stages: ",
  "=",
  "@",
  "`",
];

Deno.test("validatePipeline: a damaged pipeline file gives a plan, or problems with their places", async () => {
  const demo = await Deno.readFile(new URL("../../pipelines/demo.yaml", import.meta.url));
  await Deno.mkdir(join(FOLDER, "data"));
  await Deno.writeTextFile(join(FOLDER, "data/demo_pairs.jsonl"), "{}\n");
  const { parse } = await import("yaml");
  const json = parse(new TextDecoder().decode(demo)) as Json;
  const options = { registry: builtinStages, cwd: FOLDER };
  await fuzz("pipeline files", async (rng): Promise<Outcome> => {
    const name = rng.int(3) === 0 ? "fuzz.json" : "fuzz.yaml";
    const bytes = name === "fuzz.yaml"
      ? mutateText(rng, demo, MARKS)
      : rng.int(2) === 0
      ? mutateJson(rng, json)
      : mutateText(rng, encode(JSON.stringify(json, null, 2)), MARKS);
    Deno.writeFileSync(join(FOLDER, name), bytes);
    const { problems, pipeline } = await validatePipeline(name, options);
    for (const problem of problems) {
      assert(problem instanceof OddsmithError);
      assertEquals(problem.location?.file, name, problem.format());
    }
    assertEquals(pipeline === undefined, problems.length > 0);
    if (pipeline === undefined) return "refused";
    assert(pipeline.stages.every(({ id, configJson }) => id !== "" && JSON.stringify(configJson)));
    return "read";
  });
});

/** A runs directory with a run of two stages, made anew for each test. */
async function someRuns(name: string): Promise<{ runsDir: string; runId: string }> {
  const dir = join(FOLDER, name);
  await Deno.mkdir(dir);
  const stages = wordStages();
  const entries = [{ stage: stages.word, config: { word: "a" } }, { stage: stages.shout }];
  const { runId } = await runAndListen(pipelineOf(dir, entries));
  return { runsDir: join(dir, "runs"), runId };
}

/** Damages a JSON file of a store in one way or the other. */
function damage(rng: Rng, path: string, sound: Json): void {
  const bytes = rng.int(3) === 0
    ? mutate(rng, encode(JSON.stringify(sound)), anywhere)
    : mutateJson(rng, sound);
  Deno.writeFileSync(path, bytes);
}

async function readJson(path: string): Promise<Json> {
  return JSON.parse(await Deno.readTextFile(path));
}

Deno.test("readRun: a damaged manifest.json or pipeline.json is named, or can be looked through", async () => {
  const { runsDir, runId } = await someRuns("manifest");
  const names = ["manifest.json", "pipeline.json"];
  const sound = await Promise.all(names.map((name) => readJson(join(runsDir, runId, name))));
  await fuzz("manifests", async (rng): Promise<Outcome> => {
    const which = rng.int(4) === 0 ? 1 : 0;
    const path = join(runsDir, runId, names[which]!);
    damage(rng, path, sound[which]!);
    try {
      const isRead = await readOrRefuse(["RunError"], async () => {
        const run = await readRun(runId, runsDir);
        await readPipelineJson(run);
        assertEquals((await listRuns(runsDir)).length, 1);
        await collectGarbage(runsDir, { dryRun: true, keepRuns: 0, olderThanDays: 1 });
        for (const stage of run.manifest.stages) {
          for (const port of Object.keys(stage.outputs)) {
            await findArtifact(run, `${stage.id}.${port}`).catch((error) => {
              assert(error instanceof OddsmithError, String(error));
            });
          }
        }
        return true;
      });
      return isRead ? "read" : "refused";
    } finally {
      Deno.writeTextFileSync(path, JSON.stringify(sound[which]));
    }
  });
});

Deno.test("Store.check: a damaged artifact.json, or artifact, is damaged and never whole", async () => {
  const { runsDir } = await someRuns("artifacts");
  const store = new Store(runsDir);
  const [digest] = await store.digests();
  const paths = [
    store.path("artifacts", digest!, "artifact.json"),
    join(store.filesDir(digest!), "value.txt"),
  ];
  const sound = await Promise.all(paths.map((path) => Deno.readFile(path)));
  const info = await store.info(digest!);
  for (const path of paths) await Deno.chmod(path, 0o644);
  await fuzz("artifacts", async (rng): Promise<Outcome> => {
    const isInfo = rng.int(4) > 0;
    if (isInfo) damage(rng, paths[0]!, info as unknown as Json);
    else Deno.writeFileSync(paths[1]!, mutate(rng, sound[1]!, anywhere));
    try {
      const found = await store.check(digest!, { full: true });
      if (found.state !== "ok") return "refused";
      assertEquals(Deno.readFileSync(paths[1]!), sound[1]);
      return "read";
    } finally {
      paths.forEach((path, at) => Deno.writeFileSync(path, sound[at]!));
    }
  });
});

Deno.test("CacheRecords: a damaged record is none, or all that a plan needs", async () => {
  const { runsDir } = await someRuns("records");
  const store = new Store(runsDir);
  const records = new CacheRecords(store);
  const [name] = await namesIn(store.path("keys"));
  const key = name!.slice(0, 64);
  const record = await records.get(key);
  const latest = (await namesIn(store.path("latest")))[0]!;
  const pointer = await readJson(store.path("latest", latest)) as Record<string, string>;
  await fuzz("cache records", async (rng): Promise<Outcome> => {
    const isRecord = rng.int(4) > 0;
    const path = isRecord ? store.path("keys", name!) : store.path("latest", latest);
    damage(rng, path, (isRecord ? record : pointer) as unknown as Json);
    try {
      const found = isRecord
        ? await records.get(key)
        : await records.latest(pointer.pipeline!, pointer.stageId!);
      if (found === undefined) return "refused";
      for (const { digest, type } of Object.values(found.outputs)) {
        assert(/^[0-9a-f]{64}$/.test(digest) && typeof type === "string");
      }
      assert(Object.values(found.parts.inputs).every((input) => typeof input === "string"));
      return "read";
    } finally {
      Deno.writeTextFileSync(path, JSON.stringify(isRecord ? record : pointer));
    }
  });
});

Deno.test("readEvents, FileDigests: damaged lines and entries are left out", async () => {
  const { runsDir, runId } = await someRuns("events");
  const path = join(runsDir, runId, "events.jsonl");
  const sound = await Deno.readFile(path);
  const digests = join(FOLDER, "files.json");
  const entry = { sizeBytes: 2, mtimeMs: 1, ctimeMs: 1, inode: 3, sha256: "a".repeat(64) };
  const known = { [path]: entry, other: entry };
  await fuzz("events and digests of files", async (rng): Promise<Outcome> => {
    Deno.writeFileSync(path, mutate(rng, sound, anywhere));
    const events = await Array.fromAsync(readEvents(path));
    for (const { time, type } of events) {
      assertEquals([typeof time, typeof type], ["string", "string"]);
    }
    damage(rng, digests, known);
    assertEquals((await (await FileDigests.open(digests)).digest(path)).length, 64);
    return events.length === 0 ? "refused" : "read";
  });
});
