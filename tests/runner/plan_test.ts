/** Planning: each reason a row can give, and that a plan is what a run then does. */

import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { validatePipeline } from "../../src/runner/load/load.ts";
import type { PrepareContext } from "../../src/runner/contract.ts";
import { planPipeline } from "../../src/runner/plan/plan.ts";
import type { ResolvedPipeline } from "../../src/runner/resolved.ts";
import { namesIn, removeTree } from "../../src/runner/store/store.ts";
import {
  type Entry,
  pipelineOf,
  runAndListen,
  tamper,
  textStage,
  wordStages,
} from "./fake_pipeline.ts";
import { inScratch } from "../scratch.ts";

async function rows(pipeline: ResolvedPipeline, options = {}): Promise<string[]> {
  const plan = await planPipeline(pipeline, options);
  return plan.map(({ stageId, action, reason }) => `${stageId} ${action}: ${reason}`);
}

/** Plans `now` after a run of `before`. */
async function planAfter(dir: string, before: Entry[], now: Entry[], more = {}): Promise<string[]> {
  await runAndListen(pipelineOf(dir, before));
  return await rows(pipelineOf(dir, now, more));
}

Deno.test("planPipeline: nothing ran yet: every stage is new, and planning writes nothing", async () => {
  await inScratch(async (dir) => {
    const { word, shout } = wordStages();
    const plan = await rows(pipelineOf(dir, [{ stage: word }, { stage: shout }]));
    assertEquals(plan, ["word run: new", "shout run: new"]);
    assertEquals(await namesIn(join(dir, "runs")), []);
  });
});

Deno.test("planPipeline: a changed option shows old and new; what follows depends on it", async () => {
  await inScratch(async (dir) => {
    const { word, shout, repeat } = wordStages();
    const plan = await planAfter(dir, [
      { stage: word, config: { word: "a", deep: { x: [1] } } },
      { stage: shout },
      { stage: repeat, config: { times: 2 } },
    ], [
      { stage: word, config: { word: "b", deep: { x: [1, 2] }, more: null } },
      { stage: shout },
      { stage: repeat, config: { times: 3 } },
    ]);
    assertEquals(plan, [
      "word run: config.word a -> b, config.deep.x [1] -> [1,2], config.more unset -> null",
      "shout unknown: depends on word",
      "repeat run: config.times 2 -> 3",
    ]);
  });
});

Deno.test("planPipeline: forecasts get stored inputs or what was said of them, in order", async () => {
  await inScratch(async (dir) => {
    const { word, shout } = wordStages();
    const asked: unknown[] = [];
    const seeds: string[] = [];
    const forecasting = (prefix: string): Entry[] => [
      {
        stage: {
          ...word,
          forecast: ({ config }) => Promise.resolve({ outputs: { text: { said: config } } }),
        },
        config: { word: prefix },
      },
      {
        stage: {
          ...shout,
          forecast: async ({ inputs, seed }) => {
            const [input] = Object.values(inputs);
            seeds.push(seed);
            asked.push(input?.facts ?? await input?.read?.());
            if (prefix === "bad") throw new OddsmithError("X", "Y", "no room", { hint: "less" });
            return { lines: [`about ${prefix}`] };
          },
        },
      },
    ];
    const plan = async (prefix: string) =>
      (await planPipeline(pipelineOf(dir, forecasting(prefix)))).map(({ forecast }) => forecast);
    assertEquals(await plan("hi"), [undefined, ["about hi"]]);
    assertEquals(asked, [{ said: { word: "hi" } }]);
    assertEquals(await plan("bad"), [undefined, ["no room", "hint: less"]]);
    await runAndListen(pipelineOf(dir, [{ stage: word, config: { word: "ho" } }]));
    assertEquals(await plan("ho"), [undefined, ["about ho"]]);
    assertEquals(asked.at(-1), "ho");
    const seen: string[] = [];
    const seeing = textStage("shout", ({ seed }) => `${seen.push(seed)}`);
    await runAndListen(pipelineOf(dir, [{ stage: seeing }]));
    assertEquals(new Set(seeds), new Set(seen), "the seed that a run gives");
  });
});

Deno.test("planPipeline: volatile options do not count", async () => {
  await inScratch(async (dir) => {
    const stage = textStage("word", () => "x", { volatile: ["copyTo"] });
    const plan = await planAfter(
      dir,
      [{ stage, config: { copyTo: "a" } }],
      [{ stage, config: { copyTo: "b" } }],
    );
    assertEquals(plan, ["word reuse: unchanged"]);
  });
});

Deno.test("planPipeline: version, source, seed, module and input changes are named", async () => {
  await inScratch(async (dir) => {
    const { word, shout } = wordStages();
    const before = [{ stage: word, sourceDigest: "1" }, { stage: shout, uses: "npm:shout@1" }];
    const with2 = { ...word, version: "2" };
    assertEquals(
      await planAfter(dir, before, [{ ...before[0]!, stage: with2 }, before[1]!]),
      ["word run: version 1 -> 2", "shout unknown: depends on word"],
    );
    const edited = [{ stage: word, sourceDigest: "2" }, { stage: shout, uses: "npm:shout@2" }];
    assertEquals(await rows(pipelineOf(dir, edited)), [
      "word run: source changed",
      "shout run: module npm:shout@1 -> npm:shout@2",
    ]);
    assertEquals(await rows(pipelineOf(dir, before, { seed: 7 })), [
      "word run: seed changed",
      "shout run: seed changed",
    ]);
    const other = textStage("word", () => "other", { version: "3" });
    await runAndListen(pipelineOf(dir, [{ stage: other }]));
    assertEquals(await rows(pipelineOf(dir, [{ stage: other }, before[1]!])), [
      "word reuse: unchanged",
      "shout run: input text changed",
    ]);
  });
});

Deno.test("planPipeline: changed, added and missing source files are named by their path", async () => {
  await inScratch(async (dir) => {
    await Deno.mkdir(join(dir, "model", "deep"), { recursive: true });
    await Deno.writeTextFile(join(dir, "rows.jsonl"), "1");
    await Deno.writeTextFile(join(dir, "model", "deep", "w.bin"), "1");
    let paths = ["rows.jsonl", "model"];
    const stage = textStage("read", () => "x", {
      sources: (_, resolvePath) => Promise.resolve(paths.map(resolvePath)),
    });
    const pipeline = pipelineOf(dir, [{ stage }]);
    await runAndListen(pipeline);
    assertEquals(await rows(pipeline), ["read reuse: unchanged"]);
    await Deno.writeTextFile(join(dir, "rows.jsonl"), "2");
    assertEquals(await rows(pipeline), ["read run: file rows.jsonl changed"]);
    await Deno.writeTextFile(join(dir, "rows.jsonl"), "1");
    await Deno.writeTextFile(join(dir, "model", "deep", "w.bin"), "2");
    assertEquals(await rows(pipeline), ["read run: file model changed"]);
    await Deno.writeTextFile(join(dir, "model", "deep", "w.bin"), "1");
    paths = ["model"];
    assertEquals(await rows(pipeline), ["read run: file rows.jsonl removed"]);
    paths = ["rows.jsonl", "model", "gone.txt"];
    const error = await assertRejects(() => rows(pipeline), OddsmithError);
    assertEquals([error.code, error.location?.file], ["SOURCE_MISSING", join(dir, "gone.txt")]);
  });
});

Deno.test("planPipeline: a source that may not be read is named, by validate as by plan", async () => {
  await inScratch(async (dir) => {
    const path = join(dir, "secret.jsonl");
    await Deno.writeTextFile(path, "1");
    const stage = textStage("read", () => "x", {
      sources: (_, resolvePath) => Promise.resolve([resolvePath("secret.jsonl")]),
    });
    // Tests may run as root, whom no mode keeps out.
    const open = Deno.open;
    Deno.open = (at, options) =>
      at === path
        ? Promise.reject(new Deno.errors.PermissionDenied("Permission denied (os error 13)"))
        : open(at, options);
    try {
      const error = await assertRejects(() => rows(pipelineOf(dir, [{ stage }])), OddsmithError);
      assertEquals([error.code, error.location?.file], ["SOURCE_UNREADABLE", path]);
      const { problems } = await validatePipeline(
        { name: "secret", stages: [{ uses: stage }] },
        { registry: new Map(), cwd: dir },
      );
      assertEquals(problems.map(({ code }) => code), ["SOURCE_UNREADABLE"]);
    } finally {
      Deno.open = open;
    }
  });
});

Deno.test("planPipeline: forced, cache never, missing and damaged artifacts", async () => {
  await inScratch(async (dir) => {
    const { word, shout } = wordStages();
    const fresh = textStage("fresh", () => "x", { cache: "never" });
    const entries = [{ stage: word }, { stage: shout }, { stage: fresh }];
    const pipeline = pipelineOf(dir, entries);
    const { manifest } = await runAndListen(pipeline);
    assertEquals(await rows(pipeline, { force: ["word"] }), [
      "word run: forced",
      "shout unknown: depends on word",
      "fresh run: cache: never",
    ]);
    assertEquals((await rows(pipeline, { force: true }))[1], "shout run: forced");
    const artifact = join(
      dir,
      "runs",
      ".store",
      "artifacts",
      manifest.stages[0]!.outputs.text!.digest,
    );
    const file = join(artifact, "files", "value.txt");
    await tamper(file, "hellO");
    assertEquals((await rows(pipeline))[0], "word run: artifact damaged (word.text)");
    await removeTree(artifact);
    assertEquals((await rows(pipeline))[0], "word run: artifact missing (word.text)");
  });
});

Deno.test("planPipeline: until and only limit the rows", async () => {
  await inScratch(async (dir) => {
    const { word, shout, repeat } = wordStages();
    const pipeline = pipelineOf(dir, [{ stage: word }, { stage: shout }, { stage: repeat }]);
    assertEquals(await rows(pipeline, { until: "shout" }), ["word run: new", "shout run: new"]);
    const error = await assertRejects(() => rows(pipeline, { only: "shout" }), OddsmithError);
    assertEquals(error.code, "INPUT_NOT_STORED");
    await runAndListen(pipeline, { until: "word" });
    assertEquals(await rows(pipeline, { only: "shout" }), [
      "word reuse: unchanged",
      "shout run: new",
    ]);
  });
});

Deno.test("planPipeline: going back to an earlier configuration reuses its result", async () => {
  await inScratch(async (dir) => {
    const { word } = wordStages();
    const withWord = (text: string) => pipelineOf(dir, [{ stage: word, config: { word: text } }]);
    await runAndListen(withWord("a"));
    await runAndListen(withWord("b"));
    assertEquals(await rows(withWord("a")), ["word reuse: unchanged"]);
    await runAndListen(withWord("a"));
    assertEquals(await rows(withWord("c")), ["word run: config.word a -> c"]);
  });
});

Deno.test("planPipeline: a pinned source counts by its digest; a run prepares it, a plan does not", async () => {
  await inScratch(async (dir) => {
    const asked: boolean[] = [];
    let digest: string | undefined;
    let newest = "1111";
    const word = textStage("word", () => "hello", {
      sources: () => Promise.resolve([{ name: "hf://a/b@main", digest }]),
      prepare: (_config: unknown, { forced }: PrepareContext) => {
        asked.push(forced);
        if (forced || digest === undefined) digest = newest;
        return Promise.resolve();
      },
    });
    const { shout } = wordStages();
    const pipeline = pipelineOf(dir, [{ stage: word }, { stage: shout }]);
    const unknown = "hf://a/b@main is not cached yet and will be downloaded";
    assertEquals((await planPipeline(pipeline))[0], {
      stageId: "word",
      action: "run",
      reason: unknown,
    });
    assertEquals(asked, []);
    assertEquals((await runAndListen(pipeline)).status, "done");
    assertEquals(asked, [false]);
    assertEquals((await planPipeline(pipeline))[0]!.action, "reuse");
    newest = "2222";
    await runAndListen(pipeline);
    assertEquals([asked.at(-1), word.calls], [false, 1]);
    await runAndListen(pipeline, { force: ["word"] });
    assertEquals([asked.at(-1), word.calls], [true, 2]);
    digest = "3333";
    assertEquals((await planPipeline(pipeline))[0]!.reason, "file hf://a/b@main changed");
    digest = undefined;
    const rows = await planPipeline(pipeline);
    assertEquals(rows.map(({ action }) => action), ["unknown", "unknown"]);
    await runAndListen(pipeline);
    assertEquals(word.calls, 2, "the digest it was run with is found out again");
  });
});
