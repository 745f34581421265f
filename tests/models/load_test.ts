import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { checkModelFolder, loadCausalLM } from "../../src/models/folder/load.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { tf } from "../../src/tensor/tf.ts";
import { type GoldenCase, goldenCases, withGoldenModel } from "./fixtures.ts";

const golden = (await goldenCases()).get("grouped heads, tied")!;

/** The error of loading a golden model after `damage`; no tensor may be left on the device. */
async function failure(
  damage: (dir: string) => Promise<void>,
  base: GoldenCase = golden,
): Promise<OddsmithError> {
  await openDevice("cpu");
  const before = tf.memory().numTensors;
  let error: OddsmithError | undefined;
  await withGoldenModel(base, async (dir) => {
    await damage(dir);
    error = await assertRejects(() => loadCausalLM(dir), OddsmithError);
  });
  assertEquals(tf.memory().numTensors, before);
  return error!;
}

const setConfig = (text: string) => (dir: string): Promise<void> =>
  Deno.writeTextFile(join(dir, "config.json"), text);

Deno.test("loadCausalLM: a folder without config.json is no model", async () => {
  const error = await failure((dir) => Deno.remove(join(dir, "config.json")));
  assertEquals([error.kind, error.code], ["ModelError", "NO_MODEL"]);
});

Deno.test("loadCausalLM: a config.json that does not parse names the file", async () => {
  const error = await failure(setConfig('{"model_type": "llama",'));
  assertEquals(error.code, "BAD_JSON");
  assertMatch(error.location!.file, /config\.json$/);
});

for (const text of ["null", "[]", '{"model_type": "ll\xff"}']) {
  Deno.test(`loadCausalLM: ${text} for a config.json names the file`, async () => {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const error = await failure((dir) => Deno.writeFile(join(dir, "config.json"), bytes));
    assertEquals(error.code, "BAD_JSON");
    assertMatch(error.message, /is no JSON object|its bytes are not UTF-8/);
  });
}

Deno.test("loadCausalLM: an architecture that is not built lists those that are", async () => {
  const error = await failure(setConfig(JSON.stringify({ ...golden.config, model_type: "mamba" })));
  assertEquals(error.code, "UNKNOWN_MODEL_TYPE");
});

Deno.test("loadCausalLM: weights of other sizes than config.json's are refused", async () => {
  const config = { ...golden.config, intermediate_size: 32 };
  const error = await failure(setConfig(JSON.stringify(config)));
  assertEquals([error.kind, error.code], ["WeightsError", "WRONG_SHAPE"]);
  assertMatch(error.message, /mlp\.\w+_proj\.weight.*\[32, 16\].*\[24, 16\]/);
});

Deno.test("loadCausalLM: an untied model needs its own head", async () => {
  const config = { ...golden.config, tie_word_embeddings: false };
  const error = await failure(setConfig(JSON.stringify(config)));
  assertEquals(error.code, "MISSING_TENSOR");
  assertMatch(error.message, /"lm_head.weight"/);
});

Deno.test("loadCausalLM: weights cut off are refused before any is loaded", async () => {
  const error = await failure(async (dir) => {
    const path = join(dir, "model.safetensors");
    await Deno.truncate(path, (await Deno.stat(path)).size - 100);
  });
  assertEquals(error.code, "TRUNCATED");
});

Deno.test("checkModelFolder: a tensor without use is named, a spare tied head is not", async () => {
  const shapes = { ...golden.shapes, "lm_head.weight": [40, 16], "model.extra": [3] };
  await withGoldenModel({ ...golden, shapes }, async (dir) => {
    assertEquals((await checkModelFolder(dir)).unexpected, ["model.extra"]);
  });
});
