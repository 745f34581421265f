/** generate: on a published model of 260,032 parameters, where its folder lies beside the project. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { Workplace } from "./program.ts";

const MODEL = fromFileUrl(new URL("../../../shared/data/models/stories260K/hf", import.meta.url));
const isThere = await Deno.stat(join(MODEL, "config.json")).then(() => true, () => false);
if (!isThere) console.log(`skipping tests of generate: no model in ${MODEL}`);

/** Greedy text after "Once upon a time", as the reference continues from BOS alone. */
const GREEDY = ", there was a little girl named Lily. She loved to play outside in the park. One";
const ASK = ["generate", MODEL, "--device=wasm", "--max-new-tokens=28"];

Deno.test({
  name: "generate: streams the reference's text to stdout, and the device to stderr",
  ignore: !isThere,
  async fn() {
    await using place = await Workplace.make();
    const { code, stdout, stderr } = await place.run(...ASK, "--prompt", "Once upon a time");
    assertEquals(code, 0, stderr);
    assertEquals(stdout, GREEDY + "\n");
    assertStringIncludes(stderr, "WebAssembly");
    assertStringIncludes(stderr, "28 tokens");
  },
});

Deno.test({
  name: "generate: the same seed samples the same text, another one another text",
  ignore: !isThere,
  async fn() {
    await using place = await Workplace.make();
    const sample = async (seed: number) => {
      const words = ["--prompt", "Once", "--temperature=1", `--seed=${seed}`, "--json"];
      return JSON.parse((await place.run(...ASK, ...words)).stdout);
    };
    const [first, second, other] = [await sample(1), await sample(1), await sample(2)];
    assertEquals(first, second);
    assertEquals(first.ids.length, 28);
    assertEquals(first.text === other.text, false);
  },
});

Deno.test({
  name: "generate: a chat with a model that has no template is refused",
  ignore: !isThere,
  async fn() {
    await using place = await Workplace.make();
    const { code, stderr } = await place.run(...ASK, "--chat", "--prompt", "Hi");
    assertEquals(code, 2);
    assertStringIncludes(stderr, "no chat template");
  },
});

Deno.test("generate: a folder without a model, and messages that are none, are refused", async () => {
  await using place = await Workplace.make();
  const folder = await place.run("generate", place.dir, "--prompt", "Hi");
  assertEquals(folder.code, 2);
  assertStringIncludes(folder.stderr, "neither a config.json");
  await Deno.writeTextFile(join(place.dir, "turns.json"), '{"role": "user"}');
  const messages = await place.run("generate", place.dir, "--messages", "turns.json");
  assertEquals(messages.code, 2);
  assertStringIncludes(messages.stderr, "not a list of turns");
});
