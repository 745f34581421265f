/** The stage export: its contract, its copy, and what its card is told. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { checkModelFolder } from "../../src/models/folder/load.ts";
import { validatePipeline } from "../../src/runner/load/load.ts";
import { assertStageContract, tryStage } from "../../src/runner/testing.ts";
import { builtinStages, exportStage, model as modelStage } from "../../stages/mod.ts";
import { writeSampleRun } from "../report/sample_run.ts";
import { inScratch } from "../scratch.ts";
import { goldenCases } from "./fixtures.ts";
import { withTextModel } from "./text_model.ts";

const golden = (await goldenCases()).get("grouped heads, tied")!;

const withModel = (fn: (model: { dir: string }, dir: string) => Promise<void>): Promise<void> =>
  withTextModel(golden, (model) => inScratch((dir) => fn({ dir: model }, dir)));

Deno.test("export: keeps the stage contract, in each format but the adapter", () =>
  withModel(async (model) => {
    await assertStageContract(exportStage, { inputs: { model } });
    await assertStageContract(exportStage, {
      inputs: { model },
      config: {
        format: ["huggingface", "gguf"],
        dtype: "bfloat16",
        maxShardSize: "2KB",
        ggufType: ["F16", "Q8_0"],
      },
    });
  }));

Deno.test("export: puts a copy at dir, from the pipeline's folder, again and again", () =>
  withModel(async (model, dir) => {
    const options = { inputs: { model }, baseDir: dir, config: { dir: "out/tiny" } };
    await using first = await tryStage(exportStage, options);
    await using _second = await tryStage(exportStage, options);
    const target = join(dir, "out", "tiny");
    const { weights } = await checkModelFolder(target);
    for (const name of Object.keys(golden.shapes)) {
      const stored = await checkModelFolder(first.outputs.export.dir);
      assertEquals(await weights.read(name), await stored.weights.read(name));
    }
    assertStringIncludes(await Deno.readTextFile(join(target, "README.md")), "transformers");
    const [exported] = first.record.exports as { tensors: number }[];
    assertEquals(exported!.tensors, Object.keys(golden.shapes).length);
    const { done, total } = first.progress.at(-1)!;
    assertEquals([done, total], [2 * exported!.tensors, 2 * exported!.tensors]);

    await Deno.writeTextFile(join(target, "mine.txt"), "mine");
    const error = await assertRejects(() => tryStage(exportStage, options), OddsmithError);
    assertEquals(error.code, "TARGET_EXISTS");
    await using _forced = await tryStage(exportStage, {
      ...options,
      config: { ...options.config, force: true },
    });
    assert(![...Deno.readDirSync(target)].some(({ name }) => name === "mine.txt"));
  }));

Deno.test("export: a target that is taken is found by validate, at its option", () =>
  inScratch(async (dir) => {
    await Deno.mkdir(join(dir, "taken"));
    await Deno.writeTextFile(join(dir, "taken", "x"), "");
    const file = join(dir, "p.yaml");
    await Deno.writeTextFile(
      file,
      [
        "name: p",
        "stages:",
        "  - uses: model",
        "    with: { init: { hiddenSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 } }",
        "  - uses: export",
        "    with: { dir: taken }",
      ].join("\n"),
    );
    const { problems } = await validatePipeline(file, { registry: builtinStages });
    assertEquals(problems.map(({ code, location }) => [code, location?.line]), [[
      "TARGET_EXISTS",
      6,
    ]]);
  }));

Deno.test("export: an evaluation of another model is left out of the card, and said", () =>
  withModel(async (model, dir) => {
    await writeSampleRun(dir);
    const evaluation = { dir: join(dir, "evaluation") };
    const log = { dir: join(dir, "log") };
    await using trial = await tryStage(exportStage, { inputs: { model, evaluation, log } });
    const card = await Deno.readTextFile(join(trial.outputs.export.dir, "README.md"));
    assert(!card.includes("bootstrap"), card);
    assert(trial.logs.some(({ level, message }) => level === "warn" && /left out/.test(message)));
  }));

Deno.test("export: an evaluation of this model is in the card", () =>
  withModel(async (model, dir) => {
    await writeSampleRun(dir);
    await using stored = await tryStage(modelStage, { config: { from: model.dir } });
    const evaluation = join(dir, "evaluation");
    const file = join(evaluation, "summary.json");
    const summary = JSON.parse(await Deno.readTextFile(file));
    summary.after.digest = stored.artifacts.model!.digest;
    await Deno.writeTextFile(file, JSON.stringify(summary));
    await using trial = await tryStage(exportStage, {
      inputs: {
        model: { dir: stored.outputs.model.dir },
        evaluation: { dir: evaluation },
        log: { dir: join(dir, "log") },
      },
    });
    const card = await Deno.readTextFile(join(trial.outputs.export.dir, "README.md"));
    assertStringIncludes(card, "held-out pairs; in brackets, 95% bootstrap intervals");
    assertEquals(trial.logs.filter(({ level }) => level === "warn"), []);
  }));

Deno.test("export: options that are not there, or make no sense, are refused", async () => {
  const issues = async (config: unknown): Promise<number> =>
    (await exportStage.config["~standard"].validate(config)).issues?.length ?? 0;
  for (
    const config of [
      { dtype: "f16" },
      { format: "pickle" },
      { format: [] },
      { ggufType: "Q4_0" },
      { maxShardSize: "5XB" },
      { maxShardSize: 0 },
      { baseModel: "../base" },
      { to: "x" },
    ]
  ) assert(await issues(config) > 0, JSON.stringify(config));
  assertEquals(await issues({ format: ["gguf", "gguf"], maxShardSize: "300MB" }), 0);
});
