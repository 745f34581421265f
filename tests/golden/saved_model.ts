/**
 * Loads a model folder, saves it again, and writes beside it what the model computes, for
 * saved_model.py to compare with transformers.
 *
 *     deno run -A tests/golden/saved_model.ts <model folder> <new folder> [device]
 */

import { join } from "@std/path";
import { generate } from "../../src/models/generation/generate.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { saveCausalLM } from "../../src/models/folder/save.ts";
import { type DeviceChoice, openDevice } from "../../src/tensor/device.ts";
import { matMul } from "../../src/tensor/matmul.ts";
import { takeFloats } from "../../src/tensor/readback.ts";

const [from, to, device = "auto"] = Deno.args;
if (!from || !to) throw new Error("usage: saved_model.ts <model folder> <new folder> [device]");
await openDevice(device as DeviceChoice);
const model = await loadCausalLM(from);
await Deno.mkdir(to);
await saveCausalLM(model, from, to);
const ids = Array.from(
  { length: 48 },
  (_, i) => i === 0 ? 1 : (i * 31 + 7) % model.config.vocabSize,
);
const hidden = model.hidden({ inputIds: Int32Array.from(ids), batchSize: 1, length: ids.length });
const logits = await takeFloats(matMul(hidden, model.head().weight, { transposeB: true }));
const greedy = await generate(model, ids, { maxNewTokens: 40, eosTokenIds: [] });
const expected = { ids, logits: [...logits], greedy };
await Deno.writeTextFile(join(to, "expected.json"), JSON.stringify(expected));
