/** LoRA against PEFT, whose numbers peft_lora.py wrote. */

import { assertEquals } from "@std/assert";
import { checkModelFolder, loadCausalLM } from "../../src/models/folder/load.ts";
import { readAdapter, writeAdapter } from "../../src/models/lora/files.ts";
import { mergeAdapter, openLora } from "../../src/models/lora/source.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { saveCausalLM } from "../../src/models/folder/save.ts";
import { headLogits } from "../../src/ops/head/logits.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { windowGradients } from "../../src/train/gradients.ts";
import { resolveObjective } from "../../src/train/objective.ts";
import { planWindow } from "../../src/train/window_plan.ts";
import { openWeightFile } from "../../src/weights/safetensors.ts";
import { formula } from "../golden/weights.ts";
import { assertClose } from "../ops/check.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { readGradients } from "../train/windows.ts";
import { type LoraGolden, loraGoldens, type Summary, withAdapter } from "./lora_folders.ts";

const { sequences, pair, bases, cases } = loraGoldens;
const objective = resolveObjective({ preset: "trl", beta: pair.beta });

/** Cases that are LoRA alone. */
const ours = Object.entries(cases).filter(([, { options }]) => !("modules_to_save" in options));

for (const [name, golden] of ours) {
  forEachBackend(
    `lora: logits, gradients and merged weights of PEFT; ${name}`,
    () =>
      withAdapter(golden, async ({ base, adapter, scratch }) => {
        const before = tf.memory().numTensors;
        const lora = (folder: Parameters<typeof openLora>[0]) => openLora(folder, { adapter });
        const model = await loadCausalLM(base, { lora });
        assertEquals([...model.trainable.keys()].sort(), Object.keys(golden.orpo.gradients).sort());
        await checkLogits(model, golden, 1e-4);
        await checkGradients(model, golden);
        const merged = `${scratch}/merged`;
        await Deno.mkdir(merged);
        await saveCausalLM(model, base, merged);
        await checkMerged(merged, golden);
        model.dispose();
        const whole = await loadCausalLM(merged);
        await checkLogits(whole, golden, 1e-4);
        whole.dispose();
        assertEquals(tf.memory().numTensors, before, "tensors left behind");
      }),
  );
}

for (const [name, golden] of ours) {
  Deno.test(`writeAdapter: names, shapes and configuration of PEFT; ${name}`, () =>
    withAdapter(golden, async ({ base, adapter, scratch }) => {
      const folder = await checkModelFolder(base);
      const read = await readAdapter(adapter, folder);
      const [again, merged] = [`${scratch}/again`, `${scratch}/merged`];
      for (const dir of [again, merged]) await Deno.mkdir(dir);
      await writeAdapter(again, read);
      const { tensors } = await openWeightFile(`${again}/adapter_model.safetensors`);
      const expected = Object.entries(golden.tensors)
        .filter(([tensor]) => !golden.copies.includes(tensor));
      assertEquals([...tensors].map(([tensor, { shape }]) => [tensor, shape]).sort(), expected);
      const config = JSON.parse(await Deno.readTextFile(`${again}/adapter_config.json`));
      for (const [key, value] of Object.entries(config)) {
        // What was selected by layer is written by name.
        const byLayer = golden.config["layers_to_transform"] !== null;
        if (byLayer && /^(layers_|target_modules)/.test(key)) continue;
        if (key !== "base_model_name_or_path") assertEquals(value, golden.config[key], key);
      }
      await mergeAdapter(base, again, merged);
      await checkMerged(merged, golden);
    }));
}

Deno.test("lora: modules that train whole are refused", () =>
  withAdapter(cases["modules_to_save"]!, async ({ base, adapter }) => {
    const folder = await checkModelFolder(base);
    const error = await readAdapter(adapter, folder).catch((error) => error);
    assertEquals(error.code, "ADAPTER_UNSUPPORTED");
  }));

async function checkLogits(model: CausalLM, golden: LoraGolden, tolerance: number): Promise<void> {
  for (const [i, ids] of sequences.entries()) {
    const logits = tf.tidy(() => {
      const inputIds = Int32Array.from(ids);
      const hidden = model.hidden({ inputIds, batchSize: 1, length: ids.length });
      return headLogits(tf.slice(hidden, [ids.length - 3, 0], [3, -1]), model.head());
    });
    assertClose("logits", await takeFloats(logits), golden.logits[i]!.flat(), tolerance);
  }
}

async function checkGradients(model: CausalLM, { orpo }: LoraGolden): Promise<void> {
  const { promptIds, chosenIds, rejectedIds } = pair;
  const ids = (list: number[]) => Int32Array.from(list);
  const tokens = {
    id: "pair",
    promptIds: ids(promptIds),
    chosenIds: ids(chosenIds),
    rejectedIds: ids(rejectedIds),
  };
  const plan = planWindow([tokens], objective.nllScope, { pairs: 1, tokens: Infinity });
  const gradients = await readGradients(await windowGradients(model, plan, { objective }));
  assertEquals([...gradients.keys()].sort(), Object.keys(orpo.gradients).sort());
  for (const [name, values] of gradients) checkSummary(`d ${name}`, values, orpo.gradients[name]!);
}

async function checkMerged(dir: string, { base, merged, untied }: LoraGolden): Promise<void> {
  const weights = await openWeightFile(`${dir}/model.safetensors`);
  const names = Object.keys(bases[base]!.shapes);
  const expected = untied ? [...names, "lm_head.weight"] : names;
  assertEquals([...weights.tensors.keys()].sort(), expected.sort());
  for (const [name, summary] of Object.entries(merged)) {
    checkSummary(name, await weights.read(name), summary, 1e-6);
  }
}

function checkSummary(
  name: string,
  values: Float32Array,
  [norm, product, first, last]: Summary,
  tolerance = 1e-4,
): void {
  const probe = formula("probe", values.length);
  const actual = [
    Math.hypot(...values),
    values.reduce((sum, value, i) => sum + value * probe[i]!, 0),
    values[0]!,
    values.at(-1)!,
  ];
  assertClose(
    name,
    actual.map((x) => x / norm),
    [1, product / norm, first / norm, last / norm],
    tolerance,
  );
}
