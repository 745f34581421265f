import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { readGenerationDefaults } from "../../src/models/generation/generation_defaults.ts";

async function defaultsOf(json: string | undefined) {
  const dir = await Deno.makeTempDir();
  try {
    if (json !== undefined) await Deno.writeTextFile(join(dir, "generation_config.json"), json);
    return await readGenerationDefaults(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("readGenerationDefaults: takes what is written, and samples only where do_sample", async () => {
  assertEquals(await defaultsOf(undefined), {});
  assertEquals(await defaultsOf('{"temperature": 0.6, "top_p": 0.9, "top_k": null}'), {
    topP: 0.9,
  });
  assertEquals(await defaultsOf('{"do_sample": true}'), { temperature: 1 });
  const all = {
    do_sample: true,
    temperature: 0.6,
    top_k: 20,
    top_p: 0.95,
    min_p: 0.1,
    repetition_penalty: 1.05,
    max_new_tokens: 64,
  };
  assertEquals(await defaultsOf(JSON.stringify(all)), {
    temperature: 0.6,
    topK: 20,
    topP: 0.95,
    minP: 0.1,
    repetitionPenalty: 1.05,
    maxNewTokens: 64,
  });
});

Deno.test("readGenerationDefaults: names a field that cannot be", async () => {
  for (
    const field of [
      '"top_p": 0',
      '"top_k": 1.5',
      '"min_p": 2',
      '"repetition_penalty": "x"',
      '"top_k": 1e999',
    ]
  ) {
    const error = await assertRejects(() => defaultsOf(`{${field}}`), OddsmithError);
    assertEquals(error.code, "BAD_FIELD");
    assertEquals(error.message.includes(field.split(":")[0]!), true);
  }
});
