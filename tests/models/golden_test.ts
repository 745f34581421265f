/** The Llama architecture against transformers, whose numbers models.py wrote. */

import { assertEquals } from "@std/assert";
import { generate } from "../../src/models/generation/generate.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { targetLogProbs } from "../../src/ops/head/head.ts";
import { matMul } from "../../src/tensor/matmul.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { formula } from "../golden/weights.ts";
import { assertClose } from "../ops/check.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { type GoldenCase, goldenCases, withGoldenModel } from "./fixtures.ts";

const cases = await goldenCases();

for (const [name, golden] of cases) {
  forEachBackend(
    `llama: logits, loss, gradients and greedy text of transformers; ${name}`,
    () =>
      withGoldenModel(golden, async (dir) => {
        const before = tf.memory().numTensors;
        const model = await loadCausalLM(dir);
        await checkLogits(model, golden);
        await checkGradients(model, golden);
        const text = await generate(model, golden.ids, {
          maxNewTokens: golden.greedy.length,
          eosTokenIds: [],
        });
        assertEquals(text, golden.greedy);
        model.dispose();
        assertEquals(tf.memory().numTensors, before, "tensors left behind");
      }),
  );
}

async function checkLogits(model: CausalLM, { ids, lastLogits }: GoldenCase): Promise<void> {
  const logits = tf.tidy(() => {
    const hidden = model.hidden({
      inputIds: Int32Array.from(ids),
      batchSize: 1,
      length: ids.length,
    });
    const last = tf.slice(hidden, [ids.length - 1, 0], [1, -1]);
    return matMul(last, model.head().weight, { transposeB: true });
  });
  assertClose("last logits", await takeFloats(logits), lastLogits, 1e-4);
}

async function checkGradients(model: CausalLM, golden: GoldenCase): Promise<void> {
  const inputIds = Int32Array.from(golden.ids);
  const rows = Int32Array.from({ length: inputIds.length - 1 }, (_, i) => i);
  const { value, grads } = tf.variableGrads(() => {
    const hidden = model.hidden({ inputIds, batchSize: 1, length: inputIds.length });
    const logProbs = targetLogProbs(hidden, model.head(), rows, inputIds.slice(1));
    return tf.neg(tf.mean(logProbs)) as tf.Scalar;
  }, [...model.parameters.values()]);
  const [loss] = await takeFloats(value);
  assertClose("loss", [loss!], [golden.loss], 1e-5);
  for (const [name, variable] of model.parameters) {
    const gradient = await takeFloats(grads[variable.name]!);
    const probe = formula("probe", gradient.length);
    const [norm, product] = golden.gradients[name]!;
    const actualNorm = Math.hypot(...gradient);
    const actualProduct = gradient.reduce((sum, g, i) => sum + g * probe[i]!, 0);
    assertClose(`|d ${name}|`, [actualNorm / norm], [1], 1e-4);
    assertClose(`d ${name}`, [actualProduct / norm], [product / norm], 1e-4);
  }
}
