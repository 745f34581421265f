import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import type { PipelineSpec } from "../../src/runner/contract.ts";
import { type LoadOptions, loadPipeline, validatePipeline } from "../../src/runner/load/load.ts";
import { fakeStages } from "./fake_stages.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const SPEC: PipelineSpec = {
  name: "p",
  stages: [
    { uses: "read", with: { source: [{ path: "deno.json" }, { path: "LICENSE", weight: 2 }] } },
    { uses: "clean" },
    { uses: "batch" },
    { uses: "init" },
    { uses: "train", id: "orpo", with: { beta: 0.1 } },
  ],
};

function options(overrides: string[], more: Partial<LoadOptions> = {}): LoadOptions {
  return { registry: fakeStages, cwd: ROOT, overrides, ...more };
}

async function problems(overrides: string[], more: Partial<LoadOptions> = {}): Promise<string[]> {
  const result = await validatePipeline(SPEC, options(overrides, more));
  return result.problems.map((problem) => problem.format());
}

Deno.test("--set: lays options and settings over the file, and records them", async () => {
  const overrides = [
    "name=other",
    "device=wasm",
    "runsDir=elsewhere",
    "stages.orpo.with.beta=0.5",
    "stages.orpo.with.optimizer.learningRate=2e-4",
    "stages.orpo.with.schedule=linear",
    "stages.read.with.source.1.weight=3",
    "stages.clean.with.maxLength=64",
  ];
  const pipeline = await loadPipeline({ ...SPEC, runsDir: "here" }, {
    ...options(overrides, { seed: 9 }),
    file: join(ROOT, "pipelines/p.ts"),
    overrides: [...overrides, "stages.read.with.source=../deno.json"],
  });
  const { name, device, seed, runsDir } = pipeline;
  assertEquals({ name, device, seed, runsDir }, {
    name: "other",
    device: "wasm",
    seed: 9,
    runsDir: join(ROOT, "elsewhere"),
  });
  const configs = Object.fromEntries(pipeline.stages.map(({ id, configJson }) => [id, configJson]));
  assertEquals(configs.orpo, {
    beta: 0.5,
    schedule: "linear",
    optimizer: { learningRate: 2e-4 },
  });
  assertEquals(configs.clean, { maxLength: 64 });
  assertEquals(configs.read!.source, "../deno.json");
  assertEquals(pipeline.overrides, {
    name: "other",
    device: "wasm",
    runsDir: "elsewhere",
    "stages.orpo.with.beta": 0.5,
    "stages.orpo.with.optimizer.learningRate": 2e-4,
    "stages.orpo.with.schedule": "linear",
    "stages.read.with.source.1.weight": 3,
    "stages.clean.with.maxLength": 64,
    "stages.read.with.source": "../deno.json",
    seed: 9,
  });
});

Deno.test("--set: values are YAML, lists and maps too, and list members can be set", async () => {
  const pipeline = await loadPipeline(
    SPEC,
    options(["stages.read.with.source.1={ path: deno.json, weight: 3 }"]),
  );
  assertEquals(pipeline.stages[0]!.configJson.source, [
    { path: "deno.json", weight: 1 },
    { path: "deno.json", weight: 3 },
  ]);
});

Deno.test("--set: what cannot be set is a problem with the way to write it", async () => {
  assertEquals(
    await problems([
      "beta",
      "sed=3",
      "stages.orpo.beta=3",
      "stages.orpoo.with.beta=3",
      "stages.orpo.with.beta=[1",
      "stages.orpo.with.beta=*a",
      "stages.orpo.with.beta.x=1",
      "stages.read.with.source.9.path=a",
    ]),
    [
      `PipelineError BAD_OVERRIDE: Cannot use --set beta: expected "key=value"\n` +
      `  hint: write it as --set stages.orpo.with.beta=0.5`,
      `PipelineError BAD_OVERRIDE: Cannot use --set sed=3: "sed" cannot be set\n` +
      `  hint: did you mean "seed"? settings: device, name, runsDir, seed, stages.<id>.with.<option>`,
      `PipelineError BAD_OVERRIDE: Cannot use --set stages.orpo.beta=3: "stages.orpo.beta" cannot be set\n` +
      `  hint: what can be set: name, seed, device, runsDir, stages.<id>.with.<option>`,
      `PipelineError BAD_OVERRIDE: Cannot use --set stages.orpo.with.beta=[1: the value is not YAML: ` +
      `Flow sequence must end with a ]\n` +
      `  hint: quote the value`,
      `PipelineError BAD_OVERRIDE: Cannot use --set stages.orpo.with.beta=*a: the value is not YAML: ` +
      `Unresolved alias (the anchor must be set before the alias): a\n` +
      `  hint: quote the value`,
      `PipelineError BAD_OVERRIDE: Cannot use --set stages.orpo.with.beta.x=1: there is no place for it in the pipeline\n` +
      `  hint: the options above it are not a map or a list that reaches so far`,
      `PipelineError BAD_OVERRIDE: Cannot use --set stages.read.with.source.9.path=a: there is no place for it in the pipeline\n` +
      `  hint: the options above it are not a map or a list that reaches so far`,
      `PipelineError BAD_OVERRIDE: Cannot use --set stages.orpoo.with.beta=3: no stage has the id "orpoo"\n` +
      `  hint: did you mean "orpo"? stages: batch, clean, init, orpo, read`,
    ],
  );
});

Deno.test("--set: a value the schema refuses is placed at the assignment", async () => {
  assertEquals(
    await problems(["stages.orpo.with.betta=1", "stages.orpo.with.beta=high", "seed=x"]),
    [
      `PipelineError WRONG_TYPE: Cannot use "seed": expected a whole number from 0, received "x"\n` +
      `  at --set seed=x`,
      `PipelineError BAD_OPTION: Cannot use option "beta" of stage "orpo": expected number, received "high"\n` +
      `  at --set stages.orpo.with.beta=high`,
      `PipelineError UNKNOWN_OPTION: Cannot use option "betta" of stage "orpo": no such option\n` +
      `  at --set stages.orpo.with.betta=1\n` +
      `  hint: did you mean "beta"? options: beta, optimizer, schedule`,
    ],
  );
  assertEquals(await problems([], { device: "gpu" }), [
    `PipelineError UNKNOWN_DEVICE: Cannot use the device "gpu": no such device\n` +
    `  at --device gpu\n  hint: did you mean "cpu"? devices: auto, cpu, wasm, webgpu`,
  ]);
});
