import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { checkModelFolder, loadCausalLM } from "../../src/models/folder/load.ts";
import { exportGguf } from "../../src/models/gguf/export_gguf.ts";
import { newDeltas } from "../../src/models/lora/lora.ts";
import { writeAdapter } from "../../src/models/lora/files.ts";
import { loraModules, resolveLora, targetedModules } from "../../src/models/lora/settings.ts";
import { mergeAdapter } from "../../src/models/lora/source.ts";
import { assertStageContract, tryStage } from "../../src/runner/testing.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { openWeights } from "../../src/weights/safetensors.ts";
import { model } from "../../stages/model.ts";
import { goldenCases, withGoldenModel } from "./fixtures.ts";
import { loraGoldens, withAdapter } from "./lora_folders.ts";
import { withTextModel } from "./text_model.ts";

const TINY = { hiddenSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 };
const golden = (await goldenCases()).get("grouped heads, tied")!;
const TOKENIZER = byteTokenizerFiles();

/** Runs a test on a whole model folder, tokenizer included. */
const withModelFolder = (run: (dir: string) => Promise<void>): Promise<void> =>
  withGoldenModel(golden, async (dir) => {
    for (const [name, text] of Object.entries(TOKENIZER)) {
      await Deno.writeTextFile(join(dir, name), text);
    }
    await run(dir);
  });

Deno.test("model: keeps the stage contract, from a seed and from a folder", () =>
  withModelFolder(async (dir) => {
    await assertStageContract(model, { config: { init: TINY } });
    await assertStageContract(model, { config: { from: dir } });
  }));

Deno.test("model: a new model loads, with a tokenizer whose ids it holds", async () => {
  await using trial = await tryStage(model, { config: { init: TINY } });
  const { dir } = trial.outputs.model;
  await openDevice("cpu");
  const loaded = await loadCausalLM(dir);
  const tokenizer = await loadTokenizer(dir);
  assertEquals(tokenizer.vocabSize, loaded.config.vocabSize);
  assertEquals(tokenizer.bosTokenId, loaded.config.bosTokenId);
  assertEquals([tokenizer.eosTokenId], loaded.config.eosTokenIds);
  loaded.dispose();
});

Deno.test("model: takes a folder's files as they are, and nothing else", () =>
  withModelFolder(async (dir) => {
    await Deno.writeTextFile(join(dir, "README.md"), "not the model's");
    await using trial = await tryStage(model, { config: { from: dir } });
    const files = [...Deno.readDirSync(trial.outputs.model.dir)].map(({ name }) => name).sort();
    assertEquals(files, ["config.json", "model.safetensors", ...Object.keys(TOKENIZER)].sort());
    for (const name of files) {
      assertEquals(
        await Deno.readFile(join(trial.outputs.model.dir, name)),
        await Deno.readFile(join(dir, name)),
      );
    }
    const sources = await model.sources!({ from: dir }, (path) => path);
    assertEquals(sources.map((path) => String(path).slice(dir.length + 1)).sort(), files);
  }));

Deno.test("model: an adapter is merged into the model it is of, and its files are sources", () =>
  withAdapter(loraGoldens.cases["lm_head, tied"]!, async ({ base, adapter, scratch }) => {
    for (const [name, text] of Object.entries(TOKENIZER)) {
      await Deno.writeTextFile(join(base, name), text);
    }
    await using trial = await tryStage(model, { config: { from: base, adapter } });
    const merged = join(scratch, "merged");
    await Deno.mkdir(merged);
    await mergeAdapter(base, adapter, merged);
    const { dir } = trial.outputs.model;
    for (const { name } of Deno.readDirSync(merged)) {
      assertEquals(await Deno.readFile(join(dir, name)), await Deno.readFile(join(merged, name)));
    }
    const config = JSON.parse(await Deno.readTextFile(join(dir, "config.json")));
    assertEquals(config.tie_word_embeddings, false);
    const sources = await model.sources!({ from: base, adapter }, (path) => path);
    assert(sources.includes(join(adapter, "adapter_model.safetensors")));
    const error = await assertRejects(
      () => tryStage(model, { config: { from: base, adapter: base } }),
      OddsmithError,
    );
    assertEquals(error.code, "ADAPTER_MISSING");
  }));

Deno.test("model: an adapter is merged into a GGUF file's model too", () =>
  withTextModel(golden, async (base, file) => {
    await exportGguf(base, file, { dtype: "F32" });
    const adapter = join(base, "adapter");
    await Deno.mkdir(adapter);
    const checked = await checkModelFolder(base);
    const settings = { ...resolveLora({ r: 2 }, "llama"), targetModules: ["q_proj", "lm_head"] };
    const chosen = targetedModules(loraModules(checked), settings.targetModules);
    const deltas = newDeltas(chosen, settings, "seed").map((delta) => ({
      ...delta,
      loraB: delta.loraB.map((_, i) => (i % 7) / 10),
    }));
    await writeAdapter(adapter, { settings, deltas });
    await using trial = await tryStage(model, { config: { from: file, adapter } });
    const merged = join(base, "merged");
    await Deno.mkdir(merged);
    await mergeAdapter(base, adapter, merged);
    const [own, expected] = [await openWeights(trial.outputs.model.dir), await openWeights(merged)];
    assertEquals([...own.tensors.keys()].sort(), [...expected.tensors.keys()].sort());
    for (const name of own.tensors.keys()) {
      assertEquals(await own.read(name), await expected.read(name), name);
    }
  }));

Deno.test("model: records what the model is", () =>
  withModelFolder(async (dir) => {
    await using trial = await tryStage(model, { config: { from: dir } });
    const parameters = Object.values(golden.shapes)
      .reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
    assertEquals(trial.record.parameters, parameters);
    assertEquals(trial.record.modelType, "llama");
    assertEquals(trial.record.dtypes, ["F32"]);
  }));

Deno.test("model: a folder without a tokenizer fails here, by the folder's own name", () =>
  withGoldenModel(golden, async (dir) => {
    const run = async () => {
      await using _trial = await tryStage(model, { config: { from: dir } });
    };
    const error = await assertRejects(run, OddsmithError);
    assertEquals(error.code, "TOKENIZER_MISSING");
    assert(error.format().includes(dir), error.format());
  }));

Deno.test("model: weights that do not fit config.json fail here, not in training", () =>
  withGoldenModel(golden, async (dir) => {
    const config = { ...golden.config, vocab_size: 41 };
    await Deno.writeTextFile(join(dir, "config.json"), JSON.stringify(config));
    const error = await assertRejects(
      () => tryStage(model, { config: { from: dir } }),
      OddsmithError,
    );
    assertEquals(error.code, "WRONG_SHAPE");
  }));

Deno.test("model: options ask for exactly one of from and init, and for sizes that fit", async () => {
  const issues = async (config: unknown): Promise<number> =>
    (await model.config["~standard"].validate(config)).issues?.length ?? 0;
  assert(await issues({}) > 0);
  assert(await issues({ from: "x", init: {} }) > 0);
  assert(await issues({ init: { hiddenSize: 30, numAttentionHeads: 4 } }) > 0);
  assert(await issues({ init: { numKeyValueHeads: 3 } }) > 0);
  assert(await issues({ init: { hiddenSise: 64 } }) > 0);
  assert(await issues({ init: {}, adapter: "a" }) > 0);
  assertEquals(await issues({ from: "x", adapter: "a" }), 0);
  assertEquals(await issues({ init: {} }), 0);
  assertEquals(await issues({ from: "x" }), 0);
});
