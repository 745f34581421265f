import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { generate, generateBatch } from "../../src/models/generation/generate.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { tf } from "../../src/tensor/tf.ts";
import { goldenCases, withGoldenModel } from "./fixtures.ts";

const golden = (await goldenCases()).get("grouped heads, tied")!;

function withModel(fn: (model: CausalLM) => Promise<void>): () => Promise<void> {
  return () =>
    withGoldenModel(golden, async (dir) => {
      await openDevice("wasm");
      const model = await loadCausalLM(dir);
      const before = tf.memory().numTensors;
      await fn(model);
      assertEquals(tf.memory().numTensors, before, "tensors left behind");
      model.dispose();
    });
}

Deno.test(
  "generate: stops after an end-of-sequence id, which it returns",
  withModel(async (model) => {
    const free = await generate(model, golden.ids, { maxNewTokens: 8, eosTokenIds: [] });
    const end = free[3]!;
    const stopped = await generate(model, golden.ids, { maxNewTokens: 8, eosTokenIds: [end] });
    assertEquals(stopped, free.slice(0, free.indexOf(end) + 1));
  }),
);

Deno.test(
  "generate: stops where the model's positions end",
  withModel(async (model) => {
    const prompt = Array<number>(250).fill(5);
    const ids = await generate(model, prompt, { maxNewTokens: 100, eosTokenIds: [] });
    assertEquals(ids.length, model.config.maxPositionEmbeddings - prompt.length);
  }),
);

Deno.test(
  "generate: the same seed repeats, another differs, temperature 0 ignores it",
  withModel(async (model) => {
    const run = (seed: number, temperature: number) =>
      generate(model, [1, 7, 9], { maxNewTokens: 24, eosTokenIds: [], seed, temperature });
    assertEquals(await run(1, 1.5), await run(1, 1.5));
    assertNotEquals(await run(1, 1.5), await run(2, 1.5));
    assertEquals(await run(1, 0), await run(2, 0));
  }),
);

Deno.test(
  "generateBatch: tells every token with its prompt's number",
  withModel(async (model) => {
    const heard: number[][] = [[], []];
    const texts = await generateBatch(model, [[1, 3], [1, 4, 5]], {
      maxNewTokens: 5,
      eosTokenIds: [],
      onToken: (id, prompt) => heard[prompt]!.push(id),
    });
    assertEquals(heard, texts);
  }),
);

Deno.test(
  "generate: an abort between tokens throws its reason and leaves no tensors",
  withModel(async (model) => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const run = generate(model, [1, 3], {
      maxNewTokens: 50,
      eosTokenIds: [],
      signal: controller.signal,
      onToken: () => controller.abort(reason),
    });
    assertEquals(await run.catch((error) => error), reason);
  }),
);

Deno.test(
  "generate: an abort from outside is heard between tokens on a backend that never waits",
  withModel(async (model) => {
    const controller = new AbortController();
    const reason = new Error("stop");
    let tokens = 0;
    const timer = setTimeout(() => controller.abort(reason));
    const run = generate(model, [1, 3], {
      maxNewTokens: 200,
      eosTokenIds: [],
      signal: controller.signal,
      onToken: () => tokens++,
    });
    assertEquals(await run.catch((error) => error), reason);
    clearTimeout(timer);
    assert(tokens < 200, `${tokens} tokens`);
  }),
);

Deno.test(
  "generate: refuses prompts that are empty, too long, or of foreign tokens",
  withModel(async (model) => {
    const code = async (prompt: number[]): Promise<string> => {
      const run = () => generate(model, prompt, { maxNewTokens: 1, eosTokenIds: [] });
      return (await assertRejects(run, OddsmithError)).code;
    };
    assertEquals(await code([]), "EMPTY_PROMPT");
    assertEquals(await code(Array(256).fill(3)), "PROMPT_TOO_LONG");
    assertEquals(await code([1, 40]), "TOKEN_RANGE");
    assertEquals(await code([1, -1]), "TOKEN_RANGE");
  }),
);
