/** What weights take, said and held. */

import { assert, assertEquals } from "@std/assert";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { generate } from "../../src/models/generation/generate.ts";
import { openLora } from "../../src/models/lora/source.ts";
import { type Quantization, weightBytes } from "../../src/models/weights.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { tf } from "../../src/tensor/tf.ts";
import { writeTinyChatModel } from "../chat/tiny_chat_model.ts";
import { inScratch } from "../scratch.ts";

for (const quantization of ["none", "f16", "int8", "nf4"] satisfies Quantization[]) {
  Deno.test(`weightBytes: what the device holds of a base kept as ${quantization}, and branches`, () =>
    inScratch(async (dir) => {
      await writeTinyChatModel(dir, { hiddenSize: 64 });
      await openDevice("wasm");
      const start = tf.memory().numBytes;
      const plain = await loadCausalLM(dir);
      const plainBytes = tf.memory().numBytes - start;
      assertEquals(weightBytes(plain), plainBytes);
      plain.dispose();
      const options = { r: 4, targetModules: "all-linear" };
      const model = await loadCausalLM(dir, {
        lora: (base) => openLora(base, { options, seed: "1" }),
        quantization,
      });
      const held = tf.memory().numBytes - start;
      assertEquals(weightBytes(model), held);
      assertEquals(held > plainBytes, quantization === "none");
      model.dispose();
    }));
}

Deno.test("loadCausalLM: a frozen model is kept in fewer bits without branches, and nothing of it trains", () =>
  inScratch(async (dir) => {
    await writeTinyChatModel(dir, { hiddenSize: 64 });
    await openDevice("wasm");
    const bytes: number[] = [];
    const answers: number[][] = [];
    for (const quantization of ["none", "f16", "int8", "nf4"] as const) {
      const model = await loadCausalLM(dir, { frozen: true, quantization });
      assertEquals([...model.trainable.keys()], []);
      bytes.push(weightBytes(model));
      answers.push(await generate(model, [256, 72, 105], { maxNewTokens: 8, eosTokenIds: [] }));
      model.dispose();
    }
    bytes.slice(1).forEach((size, i) => assert(size < bytes[i]!, `${bytes}`));
    assertEquals(answers[1], answers[0], "halves give the same text");
    const trained = await loadCausalLM(dir);
    assertEquals([...trained.trainable.keys()], [...trained.parameters.keys()]);
    trained.dispose();
  }));
