import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import type { AnyStage, PipelineSpec } from "../../src/runner/contract.ts";
import { type LoadOptions, loadPipeline, validatePipeline } from "../../src/runner/load/load.ts";
import { definePipeline } from "../../src/runner/pipeline.ts";
import type { ResolvedPipeline } from "../../src/runner/resolved.ts";
import { batch, clean, fakeStages, init, read, train } from "./fake_stages.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

const YAML = `# A pipeline with every key.
name: whole
seed: 7
device: cpu
runsDir: ../kept
stages:
  - uses: read
    with: { source: rows.jsonl }
  - uses: init
  - uses: clean
  - uses: batch
  - uses: train
    id: first
    with: { beta: 0.5 }
  - uses: train
    id: second
    inputs: { weights: init }
  - uses: compare
`;

async function folder(files: Record<string, string>): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(join(path, name, ".."), { recursive: true });
    await Deno.writeTextFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function load(
  cwd: string,
  file: string | PipelineSpec,
  more: Partial<LoadOptions> = {},
): Promise<ResolvedPipeline> {
  return loadPipeline(file, { registry: fakeStages, cwd, ...more });
}

function wiring(pipeline: ResolvedPipeline): Record<string, string> {
  return Object.fromEntries(pipeline.stages.map(({ id, inputs }) => [
    id,
    Object.entries(inputs).map(([port, { stageId, port: output }]) =>
      `${port}=${stageId}.${output}`
    )
      .join(" "),
  ]));
}

Deno.test("loadPipeline: reads a YAML file whole", async () => {
  await using dir = await folder({ "in/p.yaml": YAML, "in/rows.jsonl": "" });
  const pipeline = await load(dir.path, "in/p.yaml");
  assertEquals({ ...pipeline, stages: [] }, {
    name: "whole",
    seed: 7,
    device: "cpu",
    runsDir: join(dir.path, "kept"),
    file: join(dir.path, "in/p.yaml"),
    baseDir: join(dir.path, "in"),
    stages: [],
    overrides: {},
  });
  assertEquals(wiring(pipeline), {
    read: "",
    init: "",
    clean: "rows=read.rows",
    batch: "rows=clean.rows",
    first: "batches=batch.batches weights=init.weights",
    second: "batches=batch.batches weights=init.weights",
    compare: "before=init.weights after=second.weights",
  });
  const first = pipeline.stages[4]!;
  assertStrictEquals(first.stage, train);
  assertEquals(first.uses, "train");
  assertEquals(first.configJson, {
    beta: 0.5,
    schedule: "cosine",
    optimizer: { learningRate: 1e-5 },
  });
  assertEquals(first.location, { file: "in/p.yaml", line: 12, column: 5 });
  assertEquals(first.sourceDigest, undefined);
  assert(Object.isFrozen((first.config as { optimizer: object }).optimizer));
});

Deno.test("loadPipeline: JSON, with tabs, and TypeScript give what YAML gives", async () => {
  const spec = {
    name: "same",
    stages: [
      { uses: "read", with: { source: "rows.jsonl" } },
      { uses: "clean" },
      { uses: "batch", inputs: { rows: "clean.rows" } },
    ],
  };
  const yaml = "name: same\nstages: [{ uses: read, with: { source: rows.jsonl } }, " +
    "{ uses: clean }, { uses: batch, inputs: { rows: clean.rows } }]\n";
  await using dir = await folder({
    "p.yaml": yaml,
    "p.json": JSON.stringify({ $schema: "./s.json", ...spec }, null, "\t"),
    "p.ts": `export default ${JSON.stringify(spec)};`,
    "rows.jsonl": "",
  });
  const comparable = ({ file: _, ...pipeline }: ResolvedPipeline) => ({
    ...pipeline,
    stages: pipeline.stages.map(({ location: _, ...stage }) => stage),
  });
  const expected = comparable(await load(dir.path, "p.yaml"));
  assertEquals(comparable(await load(dir.path, "p.json")), expected);
  assertEquals(comparable(await load(dir.path, "p.ts")), expected);
  assertEquals(comparable(await load(dir.path, spec)), expected);
  assertEquals(expected.seed, 42);
  assertEquals(expected.device, "auto");
  assertEquals(expected.runsDir, join(dir.path, "runs"));
});

Deno.test("loadPipeline: a typed pipeline gives what its names would", async () => {
  await using dir = await folder({ "rows.jsonl": "" });
  const typed = definePipeline("typed").stage(read, { with: { source: "rows.jsonl" } })
    .stage(clean).stage(batch).stage(init).stage(train);
  const named = {
    name: "typed",
    stages: [
      { uses: "read", with: { source: "rows.jsonl" } },
      ...["clean", "batch", "init", "train"].map((uses) => ({ uses })),
    ],
  };
  assertEquals(await load(dir.path, typed.spec), await load(dir.path, named));
  const { pipeline } = await validatePipeline(typed, {
    registry: fakeStages,
    cwd: "/",
    file: join(dir.path, "p.ts"),
  });
  assertEquals(pipeline?.baseDir, dir.path);
});

Deno.test("loadPipeline: references may point forward; the order follows them", async () => {
  const pipeline = await load(ROOT, {
    name: "forward",
    stages: [
      { uses: "compare", inputs: { before: "init", after: "later.weights" } },
      { uses: "init" },
      { uses: "init", id: "later" },
    ],
  });
  assertEquals(pipeline.stages.map(({ id }) => id), ["init", "later", "compare"]);
});

Deno.test("loadPipeline: an optional input takes what is there, and is left out where nothing is", async () => {
  const stages = [
    { uses: "init" },
    { uses: "compare" },
    { uses: "read", with: { source: "deno.json" } },
    { uses: "clean" },
    { uses: "batch" },
    { uses: "train" },
  ];
  const both = await load(ROOT, { name: "p", stages });
  assertEquals(
    wiring(both).train,
    "batches=batch.batches weights=init.weights scores=compare.scores",
  );
  const without = await load(ROOT, { name: "p", stages: stages.toSpliced(1, 1) });
  assertEquals(wiring(without).train, "batches=batch.batches weights=init.weights");
});

Deno.test("loadPipeline: what a schema is given is a copy, so the pipeline stays as written", async () => {
  const options = { kept: [1] };
  const vandal: AnyStage = {
    ...init,
    name: "vandal",
    config: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => {
          (value as typeof options).kept.push(2);
          return Promise.resolve({ value });
        },
      },
    },
  };
  const pipeline = await load(ROOT, { name: "p", stages: [{ uses: vandal, with: options }] });
  assertEquals(options, { kept: [1] });
  assertEquals(pipeline.stages[0]!.configJson, { kept: [1, 2] });
});

Deno.test("loadPipeline: an unknown stage does not make its neighbours wrong", async () => {
  const { problems } = await validatePipeline({
    name: "p",
    stages: [{ uses: "reed" }, { uses: "clean" }, { uses: "batch", inputs: { rows: "reed.rows" } }],
  }, { registry: fakeStages });
  assertEquals(problems.map(({ code }) => code), ["UNKNOWN_STAGE"]);
});

Deno.test("validatePipeline: an error about an option's folder has the option's place", async () => {
  await using dir = await folder({
    "p.yaml": "name: p\nstages:\n  - uses: folder\n    with: { from: base }\n",
  });
  const stage: AnyStage = {
    ...init,
    name: "folder",
    config: {
      "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
    },
    sources: ({ from }: { from: string }, resolvePath) => {
      const location = { file: resolvePath(from) };
      throw new OddsmithError("ModelError", "NO_MODEL", "Cannot load it", { location });
    },
  } as AnyStage;
  const { problems } = await validatePipeline("p.yaml", {
    registry: new Map([["folder", stage]]),
    cwd: dir.path,
  });
  assertEquals(problems.map(({ code, message }) => [code, message]), [
    ["NO_MODEL", `Cannot load it (${join(dir.path, "base")})`],
  ]);
  assertEquals(problems[0]!.location, { file: "p.yaml", line: 4, column: 19 });
});
