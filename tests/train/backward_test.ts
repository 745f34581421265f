/** addGradients: blocks computed twice change memory alone. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { CausalLM } from "../../src/models/model.ts";
import { currentDevice } from "../../src/tensor/device.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { addGradients } from "../../src/train/backward.ts";
import type { PairTokens } from "../../src/train/batch.ts";
import { windowGradients } from "../../src/train/gradients.ts";
import { GradientSum } from "../../src/train/gradient_sum.ts";
import { resolveObjective } from "../../src/train/objective.ts";
import { packedBatch } from "../../src/train/packed_batch.ts";
import { planWindow } from "../../src/train/window_plan.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { tinyLlama } from "./tiny_llama.ts";
import { freeWindow, readGradients } from "./windows.ts";

const objective = resolveObjective({ preset: "trl", beta: 0.5 });

function pairs(count: number, length: number): PairTokens[] {
  const ids = (start: number, size: number) =>
    Array.from({ length: size }, (_, i) => 3 + (start + 5 * i) % 20);
  return Array.from({ length: count }, (_, i) => ({
    id: `${i}`,
    promptIds: ids(i, 3),
    chosenIds: ids(2 * i, length),
    rejectedIds: ids(3 * i + 1, length),
  }));
}

async function gradients(model: CausalLM, recomputedLayers: number) {
  const plan = planWindow(pairs(4, 5), objective.nllScope, { pairs: 2, tokens: Infinity });
  return await readGradients(await windowGradients(model, plan, { objective, recomputedLayers }));
}

forEachBackend(
  "addGradients: recomputed layers change no bit, and leave nothing behind",
  async () => {
    const model = tinyLlama("recompute");
    const expected = await gradients(model, 0);
    assertEquals([...expected.keys()].sort(), [...model.parameters.keys()].sort());
    const before = tf.memory().numTensors;
    for (const layers of [1, 2, 99]) {
      const found = await gradients(model, layers);
      for (const [name, values] of expected) assertEquals(found.get(name), values, name);
      assertEquals(tf.memory().numTensors, before);
    }
    model.dispose();
  },
);

forEachBackend("addGradients: recomputing every layer holds less at the peak", async () => {
  const model = tinyLlama("peak", { numHiddenLayers: 8, mlpBias: false });
  const plan = planWindow(pairs(8, 60), objective.nllScope, { pairs: 8, tokens: Infinity });
  const { memory } = currentDevice();
  const peakOf = async (recomputedLayers: number) => {
    await readFloats(model.head().weight as tf.Tensor);
    memory.restart();
    const start = memory.bytes();
    const window = await windowGradients(model, plan, { objective, recomputedLayers });
    freeWindow(window);
    return memory.peakBytes() - start;
  };
  // The one that needs less first: a pool keeps what the other needed.
  const [less, more] = [await peakOf(8), await peakOf(0)];
  assert(less < 0.6 * more, `${less} of ${more} bytes`);
  model.dispose();
});

forEachBackend("addGradients: a loss that throws leaves nothing behind", () => {
  const model = tinyLlama("throws");
  const batch = packedBatch(pairs(2, 5), "all");
  const before = tf.memory().numTensors;
  for (const recomputedLayers of [0, 1]) {
    const sum = new GradientSum();
    const fail = () => {
      throw new Error("no loss");
    };
    assertThrows(
      () => addGradients(model, batch, fail, sum, { recomputedLayers }),
      Error,
      "no loss",
    );
    sum.dispose();
    assertEquals(tf.memory().numTensors, before);
  }
  model.dispose();
});
