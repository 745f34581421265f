/** The trained story model against the numbers that came with it (numpy, float64). */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { generate, generateBatch } from "../../src/models/generation/generate.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { saveCausalLM } from "../../src/models/folder/save.ts";
import { targetLogProbs } from "../../src/ops/head/head.ts";
import type { Backend } from "../../src/tensor/device.ts";
import { matMul } from "../../src/tensor/matmul.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { storiesDir } from "./fixtures.ts";

interface Reference {
  greedy_ids: number[];
  greedy_text: string;
  prompt_ids: number[];
  prompt_nll: number[];
  last_logits: number[];
}

const BOS = 1;
const TOLERANCE = 1e-4;

if (storiesDir !== undefined) {
  const dir = storiesDir;
  const reference: Reference = JSON.parse(await Deno.readTextFile(join(dir, "reference.json")));

  forEachBackend(
    "stories260K: prompt NLL and last logits within 1e-4 of the reference",
    async () => {
      const before = tf.memory().numTensors;
      const model = await loadCausalLM(dir);
      const ids = Int32Array.from(reference.prompt_ids);
      const rows = Int32Array.from({ length: ids.length - 1 }, (_, i) => i);
      const hidden = model.hidden({ inputIds: ids, batchSize: 1, length: ids.length });
      const logProbs = await takeFloats(
        targetLogProbs(hidden, model.head(), rows, ids.slice(1)),
      );
      const logits = await takeFloats(
        tf.tidy(() =>
          matMul(tf.slice(hidden, [ids.length - 1, 0], [1, -1]), model.head().weight, {
            transposeB: true,
          })
        ),
      );
      assertWithin(logProbs.map((logProb) => -logProb), reference.prompt_nll);
      assertWithin(logits, reference.last_logits);
      hidden.dispose();
      model.dispose();
      assertEquals(tf.memory().numTensors, before, "tensors left behind");
    },
  );

  const testGreedy = (name: string, count: number, backends: Backend[]): void =>
    forEachBackend(name, async () => {
      const model = await loadCausalLM(dir);
      const before = tf.memory().numTensors;
      const newIds = await generate(model, [BOS], {
        maxNewTokens: count,
        eosTokenIds: model.config.eosTokenIds,
      });
      assertEquals([BOS, ...newIds], reference.greedy_ids.slice(0, count + 1));
      assertEquals(tf.memory().numTensors, before, "tensors left behind");
      if (count + 1 >= reference.greedy_ids.length) {
        const tokenizer = await loadTokenizer(dir);
        const text = tokenizer.decode(newIds, { skipSpecialTokens: true });
        assertEquals(text.trim(), reference.greedy_text.trim());
      }
      model.dispose();
    }, backends);
  const all = reference.greedy_ids.length - 1;
  testGreedy("stories260K: greedy ids and text equal the reference", all, ["wasm", "webgpu"]);
  testGreedy("stories260K: the first 64 greedy ids equal the reference", 64, ["cpu"]);

  forEachBackend("generateBatch: each prompt gets what it gets alone", async () => {
    const model = await loadCausalLM(dir);
    const prompts = [[BOS], reference.prompt_ids, [BOS, 403, 407]];
    const options = { maxNewTokens: 12, eosTokenIds: [] };
    const together = await generateBatch(model, prompts, options);
    for (const [i, prompt] of prompts.entries()) {
      assertEquals(together[i], await generate(model, prompt, options));
    }
    model.dispose();
  }, ["wasm", "webgpu"]);

  forEachBackend("saveCausalLM: what is loaded again is equal bit by bit", async () => {
    const model = await loadCausalLM(dir);
    const copy = await Deno.makeTempDir();
    await saveCausalLM(model, dir, copy);
    const again = await loadCausalLM(copy);
    assertEquals([...again.parameters.keys()], [...model.parameters.keys()]);
    for (const [name, variable] of model.parameters) {
      assertEquals(await readFloats(again.parameters.get(name)!), await readFloats(variable));
    }
    assertEquals(again.config, model.config);
    for (const name of ["tokenizer.json", "tokenizer_config.json", "generation_config.json"]) {
      assertEquals(
        await Deno.readTextFile(join(copy, name)),
        await Deno.readTextFile(join(dir, name)),
      );
    }
    model.dispose();
    again.dispose();
    await Deno.remove(copy, { recursive: true });
  }, ["wasm"]);
}

function assertWithin(actual: Float32Array, expected: number[]): void {
  assertEquals(actual.length, expected.length);
  const error = Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)));
  assertEquals(error <= TOLERANCE, true, `largest error ${error}`);
}
