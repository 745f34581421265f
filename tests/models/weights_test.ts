/** What weights take, said and held. */

import { assertEquals } from "@std/assert";
import { loadCausalLM } from "../../src/models/folder/load.ts";
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
