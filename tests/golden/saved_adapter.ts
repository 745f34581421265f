/**
 * Writes what a model that LoRA trained computes, as the orpo stage saved it and as base plus
 * adapter, for saved_adapter.py to compare with PEFT and transformers.
 *
 *     deno run -A tests/golden/saved_adapter.ts <base folder> <trained folder> <new file> [device]
 */

import { join } from "@std/path";
import { loadCausalLM, type LoadOptions } from "../../src/models/folder/load.ts";
import { openLora } from "../../src/models/lora/source.ts";
import { headLogits } from "../../src/ops/head/logits.ts";
import { type DeviceChoice, openDevice } from "../../src/tensor/device.ts";
import { takeFloats } from "../../src/tensor/readback.ts";

const [base, trained, to, device = "auto"] = Deno.args;
if (!base || !trained || !to) {
  throw new Error("usage: saved_adapter.ts <base folder> <trained folder> <new file> [device]");
}
await openDevice(device as DeviceChoice);

const ids = Array.from({ length: 48 }, (_, i) => i === 0 ? 1 : (i * 31 + 7) % 512);

async function logitsOf(dir: string, options: LoadOptions = {}): Promise<number[]> {
  const model = await loadCausalLM(dir, options);
  const inputIds = Int32Array.from(ids);
  const hidden = model.hidden({ inputIds, batchSize: 1, length: ids.length });
  const logits = await takeFloats(headLogits(hidden, model.head()));
  model.dispose();
  return [...logits];
}

const adapter = join(trained, "adapter");
const expected = {
  ids,
  base: await logitsOf(base),
  merged: await logitsOf(trained),
  adapted: await logitsOf(base, { lora: (folder) => openLora(folder, { adapter }) }),
};
await Deno.writeTextFile(to, JSON.stringify(expected));
