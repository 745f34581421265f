/** generate: on tiny models made on the spot; and on a published model of 260,032 parameters, where its folder lies beside the project. */

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { writeTinyChatModel } from "../chat/tiny_chat_model.ts";
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

/** A place with two models in it. */
async function withModels(): Promise<Workplace> {
  const place = await Workplace.make();
  for (const seed of ["8", "9"]) {
    await Deno.mkdir(join(place.dir, `m${seed}`));
    await writeTinyChatModel(join(place.dir, `m${seed}`), { seed });
  }
  return place;
}

const TINY = ["generate", "./m8", "--device=wasm", "--max-new-tokens=20"];

Deno.test("generate: a prompt by flag, by file or on stdin is the same prompt", async () => {
  await using place = await withModels();
  const flag = await place.run(...TINY, "--prompt", "Hello");
  assertEquals([flag.code, flag.stdout.length], [0, 21], flag.stderr);
  assertStringIncludes(flag.stderr, "20 tokens (length)");
  await Deno.writeTextFile(join(place.dir, "hello.txt"), "Hello\n");
  const file = await place.run(...TINY, "--prompt-file", "hello.txt");
  assertEquals(file.stdout, flag.stdout);
  const stdin = await place.runWithInput("Hello\n", ...TINY, "--stream");
  assertEquals(stdin.stdout, flag.stdout);
  const stop = flag.stdout.slice(8, 10);
  const cut = JSON.parse(
    (await place.run(...TINY, "--prompt=Hello", "--stop", stop, "--json")).stdout,
  );
  assertEquals([cut.text, cut.end], [flag.stdout.slice(0, flag.stdout.indexOf(stop)), "stop"]);
});

Deno.test("generate: the base answers beside, one model after the other, memory said", async () => {
  await using place = await withModels();
  const ask = ["--chat", "--system", "Be kind.", "--prompt", "Hello"];
  const alone = await place.run("generate", "m9", ...TINY.slice(2), ...ask);
  const both = await place.run(...TINY, ...ask, "--base=./m9");
  assertEquals(both.code, 0, both.stderr);
  const [, base, tuned] = /^== m9\n(.*)\n== m8\n(.*)\n$/s.exec(both.stdout)!;
  assertEquals(base + "\n", alone.stdout);
  assertNotEquals(base, tuned);
  assertEquals(both.stderr.match(/[\d.]+ [kM]iB at most/g)?.length, 2, both.stderr);
  const json = JSON.parse((await place.run(...TINY, ...ask, "--base=./m9", "--json")).stdout);
  assertEquals([json.text, json.base.text, json.base.model], [tuned, base, "m9"]);
  const none = await place.run(...TINY, ...ask, "--base");
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, "nothing says which model");
});

Deno.test("generate: flags override the model's own settings, and bad ones are refused", async () => {
  await using place = await withModels();
  const settings = { do_sample: true, temperature: 2, top_k: 1, max_new_tokens: 7 };
  const file = join(place.dir, "m8", "generation_config.json");
  await Deno.writeTextFile(file, JSON.stringify(settings));
  const ask = ["generate", "m8", "--device=wasm", "--prompt=Hello", "--json"];
  const own = JSON.parse((await place.run(...ask)).stdout);
  assertEquals(own.ids.length, 7);
  const greedy = JSON.parse((await place.run(...ask, "--temperature=0")).stdout);
  assertEquals(own.ids, greedy.ids);
  const free = JSON.parse((await place.run(...ask, "--top-k=0", "--seed=3")).stdout);
  assertNotEquals(free.ids, greedy.ids);
  const penalty = ["--temperature=0", "--repetition-penalty=1000", "--max-new-tokens=60"];
  const { ids } = JSON.parse((await place.run(...ask, ...penalty)).stdout);
  assertEquals(new Set(ids).size, ids.length);
  for (const flag of ["--top-p=0", "--min-p=1.5", "--repetition-penalty=0", "--top-k=-1"]) {
    const { code, stderr } = await place.run(...ask, flag);
    assertEquals(code, 2);
    assert(stderr.includes(flag.split("=")[0]!), stderr);
  }
  const idle = await place.run(...ask, "--temperature=0", "--min-p=0.1");
  assertStringIncludes(idle.stderr, "--min-p at temperature 0");
});
