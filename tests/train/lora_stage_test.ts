/** The stage orpo with LoRA: the folders it writes, and what it goes on from. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { initModel } from "../../src/models/folder/init.ts";
import { checkModelFolder, loadCausalLM } from "../../src/models/folder/load.ts";
import { readAdapter } from "../../src/models/lora/files.ts";
import { mergeAdapter, openLora } from "../../src/models/lora/source.ts";
import { assertStageContract, datasetOf, tryStage } from "../../src/runner/testing.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import type { TokenizedPair } from "../../src/text/pair.ts";
import type { OrpoOptionsInput } from "../../src/train/options.ts";
import { openWeights } from "../../src/weights/safetensors.ts";
import orpo from "../../stages/orpo.ts";
import { inScratch } from "../scratch.ts";
import { skipWebGPU } from "../tensor/backends.ts";
import { TINY_CONFIG } from "./tiny_llama.ts";
import { tinyPairs } from "./tiny_model.ts";

const IDS = { bosTokenId: 1, eosTokenId: 2, padTokenId: 0 };
const SIZES = { hiddenSize: 64, intermediateSize: 64, headDim: 16 };

const stored = (count: number, seed: string): TokenizedPair[] =>
  tinyPairs(count, seed).map((pair, i) => ({
    id: pair.id,
    source: `made:${i + 1}`,
    promptIds: Array.from(pair.promptIds),
    chosenIds: Array.from(pair.chosenIds),
    rejectedIds: Array.from(pair.rejectedIds),
  }));

const writeBase = (dir: string) => initModel(dir, { ...TINY_CONFIG, ...SIZES, ...IDS }, "seed");

const inputs = () => ({
  model: writeBase,
  pairs: datasetOf({ train: stored(9, "train"), eval: stored(3, "eval") }),
});

const CONFIG = { beta: 0.5, learningRate: 2e-2, epochs: 2, microBatchSize: 3 };
const LORA = { r: 2, targetModules: ["q_proj", "up_proj", "embed_tokens", "lm_head"] };

const withBase = (fn: (base: string, scratch: string) => Promise<void>): Promise<void> =>
  inScratch(async (scratch) => {
    const base = join(scratch, "base");
    await Deno.mkdir(base);
    await writeBase(base);
    await fn(base, scratch);
  });

async function weightsOf(dir: string): Promise<Record<string, Float32Array>> {
  const weights = await openWeights(dir);
  const values: Record<string, Float32Array> = {};
  for (const name of weights.tensors.keys()) values[name] = await weights.read(name);
  return values;
}

async function hiddenOf(dir: string, adapter?: string): Promise<Float32Array> {
  const lora = adapter === undefined
    ? undefined
    : (base: Parameters<typeof openLora>[0]) => openLora(base, { adapter });
  const model = await loadCausalLM(dir, { lora });
  const inputIds = Int32Array.of(1, 5, 9, 4);
  const hidden = model.hidden({ inputIds, batchSize: 1, length: 4 });
  const values = (await readFloats(hidden)).slice();
  hidden.dispose();
  model.dispose();
  return values;
}

Deno.test("orpo: keeps the stage contract with lora", async () => {
  const config = { ...CONFIG, lora: { dropout: 0.1 } };
  await assertStageContract(orpo, {
    inputs: inputs(),
    config,
    device: "cpu",
    deterministic: false,
  });
});

Deno.test("orpo: with lora the merged model is base plus adapter, and the adapter is beside it", async () => {
  await withBase(async (base, scratch) => {
    await using trial = await tryStage(orpo, {
      inputs: inputs(),
      config: { ...CONFIG, lora: LORA },
      device: "cpu",
    });
    const { dir } = await trial.outputs.model.read();
    const adapter = join(dir, "adapter");
    const merged = join(scratch, "merged");
    await Deno.mkdir(merged);
    await mergeAdapter(base, adapter, merged);
    assertEquals(await weightsOf(merged), await weightsOf(dir));
    const config = JSON.parse(await Deno.readTextFile(join(dir, "config.json")));
    assertEquals(config.tie_word_embeddings, false);
    const { record } = trial;
    const [D, C, V] = [64, 64, TINY_CONFIG.vocabSize];
    assertEquals(record.trainableParameters, 2 * (2 * 2 * (D + C) + 2 * (V + C)));
    assert(record.trainableParameters! < record.parameters!);
    await openDevice("cpu");
    const [a, b] = [await hiddenOf(dir), await hiddenOf(base, adapter)];
    a.forEach((value, i) => assert(Math.abs(value - b[i]!) < 1e-4, `${value} and ${b[i]}`));
  });
});

Deno.test("orpo: goes on from an adapter, whose files are the cache key's", async () => {
  await withBase(async (base, scratch) => {
    await using first = await tryStage(orpo, {
      inputs: inputs(),
      config: { ...CONFIG, lora: LORA },
      device: "cpu",
    });
    const adapter = join(scratch, "adapter");
    await Deno.mkdir(adapter);
    const { dir } = await first.outputs.model.read();
    for (const { name } of Deno.readDirSync(join(dir, "adapter"))) {
      await Deno.copyFile(join(dir, "adapter", name), join(adapter, name));
    }
    const config = { ...CONFIG, learningRate: 2e-3, lora: { adapter } };
    assertEquals(
      await orpo.sources!(config as never, (path) => path),
      [join(adapter, "adapter_config.json"), join(adapter, "adapter_model.safetensors")],
    );
    await using second = await tryStage(orpo, { inputs: inputs(), config, device: "cpu" });
    const lossOf = (trial: typeof first, when: "evalBefore" | "evalAfter"): number =>
      (trial.record[when] as { metrics: { loss: number } }).metrics.loss;
    assertEquals(lossOf(second, "evalBefore"), lossOf(first, "evalAfter"));
    assert(lossOf(second, "evalAfter") < lossOf(first, "evalAfter"));
    const folder = await checkModelFolder(base);
    const again = await readAdapter(
      join((await second.outputs.model.read()).dir, "adapter"),
      folder,
    );
    assertEquals(again.settings.r, 2);
  });
});

Deno.test("orpo: options of lora that contradict are refused where they stand", async () => {
  const issue = async (config: unknown): Promise<string | undefined> => {
    const result = await orpo.config["~standard"].validate(config);
    return result.issues?.[0]?.path?.join(".");
  };
  assertEquals(await issue({ lora: {} }), undefined);
  assertEquals(await issue({ lora: { adapter: "a", dropout: 0.1 } }), undefined);
  assertEquals(await issue({ lora: { adapter: "a", r: 8 } }), "lora.r");
  assertEquals(await issue({ lora: { rank: 8 } }), "lora");
  assertEquals(await issue({ lora: { dropout: 1 } }), "lora.dropout");
  assertEquals(await issue({ quantization: "nf4" }), "quantization");
  assertEquals(await issue({ quantization: "nf4", lora: {} }), undefined);
});

Deno.test("orpo: a target module that is not there names the nearest", async () => {
  const config = { ...CONFIG, lora: { targetModules: ["q_proj", "up_prj"] } };
  const error = await assertRejects(
    () => tryStage(orpo, { inputs: inputs(), config, device: "cpu" }),
    OddsmithError,
  );
  assertEquals(error.code, "LORA_TARGETS");
  assert(error.message.includes('"up_prj"') && error.message.includes("gate_proj"), error.message);
  assertEquals(error.hint, 'did you mean "up_proj"?');
});

Deno.test({
  name: "orpo: a frozen base needs less memory, a quantized one less again; merged it is whole",
  ignore: skipWebGPU,
  fn: async () => {
    const changes: OrpoOptionsInput[] = [
      {},
      { lora: LORA },
      { lora: LORA, quantization: "nf4" },
    ];
    const foreseen: number[] = [];
    const formats: string[][] = [];
    for (const change of changes) {
      await using trial = await tryStage(orpo, {
        inputs: inputs(),
        config: { ...CONFIG, maxSteps: 2, ...change },
        device: "webgpu",
      });
      foreseen.push(trial.record.predictedPeakBytes as number);
      formats.push(Object.keys(trial.record.weightFormats as object).sort());
      const { dir } = await trial.outputs.model.read();
      const values = await weightsOf(dir);
      assertEquals(values["model.layers.0.mlp.up_proj.weight"]!.length, 64 * 64);
      assert(Object.values(values).every((weight) => weight.every(Number.isFinite)));
    }
    assert(foreseen[1]! < 0.8 * foreseen[0]! && foreseen[2]! < 0.9 * foreseen[1]!, `${foreseen}`);
    assertEquals(formats, [["f32"], ["f32"], ["f16", "f32", "nf4"]]);
  },
});
