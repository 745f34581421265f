/**
 * Exports a trained model in every format and writes beside it what the model computes, and what each
 * export does, for exported_model.py (transformers, PEFT) and llama_cpp.mjs to be compared with.
 *
 *     deno run -A tests/golden/exported_model.ts <base folder> <trained folder> <new folder> [prompt]
 *
 * The base is the model that training started from; adapters are exported where one was trained. The prompt is a user's message, or a text
 * where the model has no chat template; without one it is four ids of the stories models.
 */

import { join } from "@std/path";
import { exportModel, type ExportSettings } from "../../src/models/export/export_model.ts";
import { generate } from "../../src/models/generation/generate.ts";
import { loadCausalLM, type LoadOptions } from "../../src/models/folder/load.ts";
import { openLora } from "../../src/models/lora/source.ts";
import { headLogits } from "../../src/ops/head/logits.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { chooseTemplate } from "../../src/text/choose_template.ts";
import { encodePrompt } from "../../src/text/encode_prompt.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";

const [base, trained, to, prompt] = Deno.args;
if (!base || !trained || !to) {
  throw new Error("usage: exported_model.ts <base folder> <trained folder> <new folder> [prompt]");
}
await openDevice("wasm");
const ids = Array.from({ length: 48 }, (_, i) => i === 0 ? 1 : (i * 31 + 7) % 512);
const PROMPT = prompt === undefined ? [1, 403, 407, 261] : await encoded(prompt);
/** Logits are compared of the last tokens: all of them would not fit one JSON text. */
const COMPARED = 8;
const weightsSize = (await Deno.stat(join(trained, "model.safetensors"))).size;
const maxShardSize = Math.max(100_000, Math.round(weightsSize / 20));

async function encoded(text: string): Promise<number[]> {
  const tokenizer = await loadTokenizer(trained!);
  const template = await chooseTemplate("model", tokenizer, (path) => path);
  const messages = [{ role: "user", content: text }] as const;
  return encodePrompt(tokenizer, template ? messages : text, { template });
}

async function computed(dir: string, options: LoadOptions = {}) {
  const model = await loadCausalLM(dir, options);
  const inputIds = Int32Array.from(ids);
  const hidden = model.hidden({ inputIds, batchSize: 1, length: ids.length });
  const last = tf.slice2d(hidden, [ids.length - COMPARED, 0], [COMPARED, -1]);
  const logits = [...await takeFloats(headLogits(last, model.head()))];
  const greedy = await generate(model, PROMPT, { maxNewTokens: 40, eosTokenIds: [] });
  model.dispose();
  return { logits, greedy };
}

const common = { maxShardSize: 5e9, ggufTypes: ["F32", "F16", "BF16", "Q8_0"], name: "m" } as const;
const hasAdapter = await Deno.stat(join(trained, "adapter")).then(() => true, () => false);
const exports: Record<string, ExportSettings> = {};
for (const dtype of ["float32", "float16", "bfloat16"] as const) {
  exports[`huggingface-${dtype}`] = { ...common, formats: ["huggingface"], dtype };
  if (hasAdapter) exports[`adapter-${dtype}`] = { ...common, formats: ["adapter"], dtype };
}
exports["sharded-bfloat16"] = {
  ...common,
  formats: ["huggingface"],
  dtype: "bfloat16",
  maxShardSize,
};
exports["gguf"] = { ...common, formats: ["gguf"], dtype: "float32" };

await Deno.mkdir(to);
const expected: Record<string, unknown> = {
  ids,
  prompt: PROMPT,
  maxShardSize,
  trained: await computed(trained),
};
for (const [name, settings] of Object.entries(exports)) {
  const dir = join(to, name);
  await Deno.mkdir(dir);
  const parts = await exportModel(trained, dir, settings, () => "");
  for (const { dtype, largestError } of parts) console.log(name, dtype, largestError);
  if (name === "gguf") continue;
  expected[name] = name.startsWith("adapter")
    ? await computed(base, { lora: (folder) => openLora(folder, { adapter: dir }) })
    : await computed(dir);
}
await Deno.writeTextFile(join(to, "expected.json"), JSON.stringify(expected));
