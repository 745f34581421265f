/**
 * Exports a trained model in every format and writes beside it what the model computes, and what each
 * export does, for exported_model.py (transformers, PEFT) and llama_cpp.mjs to be compared with.
 *
 *     deno run -A tests/golden/exported_model.ts <base folder> <trained folder> <new folder>
 */

import { join } from "@std/path";
import { exportModel, type ExportSettings } from "../../src/models/export/export_model.ts";
import { generate } from "../../src/models/generate.ts";
import { loadCausalLM, type LoadOptions } from "../../src/models/load.ts";
import { openLora } from "../../src/models/lora_source.ts";
import { headLogits } from "../../src/ops/head_logits.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { takeFloats } from "../../src/tensor/readback.ts";

const [base, trained, to] = Deno.args;
if (!base || !trained || !to) {
  throw new Error("usage: exported_model.ts <base folder> <trained folder> <new folder>");
}
await openDevice("wasm");
const ids = Array.from({ length: 48 }, (_, i) => i === 0 ? 1 : (i * 31 + 7) % 512);
const PROMPT = [1, 403, 407, 261];

async function computed(dir: string, options: LoadOptions = {}) {
  const model = await loadCausalLM(dir, options);
  const inputIds = Int32Array.from(ids);
  const hidden = model.hidden({ inputIds, batchSize: 1, length: ids.length });
  const logits = [...await takeFloats(headLogits(hidden, model.head()))];
  const greedy = await generate(model, PROMPT, { maxNewTokens: 40, eosTokenIds: [] });
  model.dispose();
  return { logits, greedy };
}

const common = { maxShardSize: 5e9, ggufTypes: ["F32", "F16", "BF16", "Q8_0"], name: "m" } as const;
const exports: Record<string, ExportSettings> = {};
for (const dtype of ["float32", "float16", "bfloat16"] as const) {
  exports[`huggingface-${dtype}`] = { ...common, formats: ["huggingface"], dtype };
  exports[`adapter-${dtype}`] = { ...common, formats: ["adapter"], dtype };
}
exports["sharded-bfloat16"] = {
  ...common,
  formats: ["huggingface"],
  dtype: "bfloat16",
  maxShardSize: 100_000,
};
exports["gguf"] = { ...common, formats: ["gguf"], dtype: "float32" };

await Deno.mkdir(to);
const expected: Record<string, unknown> = { ids, prompt: PROMPT, trained: await computed(trained) };
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
