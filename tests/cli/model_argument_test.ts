/** A verb's model as a GGUF file or as an adapter over its base: the same answers, errors that help. */

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { exportGguf } from "../../src/models/gguf/export_gguf.ts";
import { importGguf } from "../../src/models/gguf/import_gguf.ts";
import { checkModelFolder } from "../../src/models/folder/load.ts";
import { mergeAdapter } from "../../src/models/lora/source.ts";
import { openGguf } from "../../src/weights/gguf.ts";
import type { GgufOutDtype } from "../../src/weights/gguf_quantize.ts";
import { openWeights } from "../../src/weights/safetensors.ts";
import { writeGguf } from "../../src/weights/write_gguf.ts";
import { writeTinyAdapter } from "../chat/tiny_adapter.ts";
import { writeTinyChatModel } from "../chat/tiny_chat_model.ts";
import { inScratch } from "../scratch.ts";
import { type Ended, runHere, Workplace } from "./program.ts";

const ASK = ["--device=wasm", "--chat", "--prompt=Hello", "--max-new-tokens=20", "--json"];

/** Runs `fn` with a function of paths in a folder that holds the model "base". */
async function withBase(fn: (at: (name: string) => string) => Promise<void>): Promise<void> {
  await inScratch(async (dir) => {
    const at = (name: string) => join(dir, name);
    await Deno.mkdir(at("base"));
    await writeTinyChatModel(at("base"), { seed: "8" });
    await fn(at);
  });
}

interface Said {
  text: string;
  ids: number[];
  model: string;
  base?: Said;
}

async function said(...words: string[]): Promise<Said> {
  const { code, stdout, stderr } = await runHere("generate", ...words, ...ASK);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

function refused({ code, stderr, stdout }: Ended, exit: number, ...parts: string[]): void {
  assertEquals([code, stdout], [exit, ""], stderr);
  for (const part of parts) assertStringIncludes(stderr, part);
  assert(!stderr.includes("    at "), "no stack: " + stderr);
}

const namesIn = (dir: string): string[] =>
  [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

async function merged(at: (name: string) => string, base = "base"): Promise<string> {
  await Deno.mkdir(at("merged"));
  await mergeAdapter(at(base), at("adapter"), at("merged"));
  return at("merged");
}

Deno.test("generate: a GGUF file says what the folder says that it was exported from", () =>
  withBase(async (at) => {
    await exportGguf(at("base"), at("mine.GGUF"), { dtype: "F32" });
    const [file, folder] = [await said(at("mine.GGUF")), await said(at("base"))];
    assertEquals({ ...file, model: "" }, { ...folder, model: "" });
    assertEquals([file.model, file.text.length], ["mine", 20]);
    assertEquals(namesIn(at("")), ["base", "mine.GGUF"], "nothing is written beside it");
  }));

for (const dtype of ["F16", "Q8_0"] satisfies GgufOutDtype[]) {
  Deno.test(`generate: a GGUF file of ${dtype} says what the model stage makes of it`, () =>
    withBase(async (at) => {
      await exportGguf(at("base"), at("m.gguf"), { dtype });
      await Deno.mkdir(at("folder"));
      await importGguf(at("m.gguf"), at("folder"));
      assertEquals((await said(at("m.gguf"))).ids, (await said(at("folder"))).ids);
    }));
}

Deno.test("generate: --quantization keeps weights in fewer bits, an adapter's apart", () =>
  withBase(async (at) => {
    const plain = await said(at("base"));
    assertEquals(await said(at("base"), "--quantization=f16"), plain, "halves write the same here");
    const { stderr } = await runHere("generate", at("base"), ...ASK, "--quantization=int4");
    assertStringIncludes(stderr, "nf4");
    await writeTinyAdapter(at("adapter"), at("base"));
    const over = (format: string) =>
      runHere(
        "chat",
        at("adapter"),
        `--base-model=${at("base")}`,
        `--quantization=${format}`,
        "--device=wasm",
      );
    const held = async (format: string) =>
      (await over(format)).stderr.match(/weights of ([\d.]+) kiB/)?.[1];
    const [floats, halves] = [Number(await held("none")), Number(await held("f16"))];
    assert(halves < 0.9 * floats && halves > 0.4 * floats, `${halves} of ${floats} KiB`);
  }));

Deno.test("generate: an adapter folder says what the merged model says, --base the base's", () =>
  withBase(async (at) => {
    await writeTinyAdapter(at("adapter"), at("base"), { base_model_name_or_path: "../base" });
    const [tuned, plain] = [await said(await merged(at)), await said(at("base"))];
    assertNotEquals(tuned.ids, plain.ids);
    const { base, ...own } = await said(at("adapter"), "--base");
    assertEquals([own.ids, own.model], [tuned.ids, "adapter"]);
    assertEquals([base!.ids, base!.model], [plain.ids, "base"]);
    assertEquals(namesIn(at("")), ["adapter", "base", "merged"]);
  }));

Deno.test("generate: an adapter of embedding and head, over a GGUF file that the flag names", () =>
  withBase(async (at) => {
    const modules = ["embed_tokens", "lm_head", "v_proj"];
    await writeTinyAdapter(at("adapter"), at("base"), {}, modules);
    await exportGguf(at("base"), at("base.gguf"), { dtype: "F32" });
    const tuned = await said(
      at("adapter"),
      "--base-model",
      at("base.gguf"),
      `--base=${at("base")}`,
    );
    assertEquals(tuned.ids, (await said(await merged(at))).ids);
    assertEquals(tuned.base!.ids, (await said(at("base.gguf"))).ids);
  }));

Deno.test("generate, chat: a base beside the working directory; its answers before the adapter's", async () => {
  await using place = await Workplace.make();
  const at = (name: string) => join(place.dir, name);
  await Deno.mkdir(at("base"));
  await writeTinyChatModel(at("base"), { seed: "8" });
  await Deno.mkdir(at("deep"));
  await writeTinyAdapter(at("deep/adapter"), at("base"), { base_model_name_or_path: "base" });
  const words = ["deep/adapter", "--device=wasm", "--max-new-tokens=20", "--base"];
  const generated = await place.run("generate", ...words, "--chat", "--prompt=Hi");
  assertEquals(generated.code, 0, generated.stderr);
  assertStringIncludes(generated.stderr, "adapter is an adapter, over base");
  const chat = await place.runWithInput("Hi\n", "chat", ...words);
  assertEquals(chat.code, 0, chat.stderr);
  assertEquals(chat.stdout, generated.stdout);
  const [, base, tuned] = /^== base\n(.*)\n== adapter\n(.*)\n$/s.exec(chat.stdout)!;
  assertNotEquals(base, tuned);
});

Deno.test("generate: an adapter without a base that can be found, or that fits, is refused", () =>
  withBase(async (at) => {
    const over = async (name: string, fields: Record<string, unknown>) => {
      await writeTinyAdapter(at(name), at("base"), fields);
      return await runHere("generate", at(name), ...ASK);
    };
    const name = (base: unknown) => ({ base_model_name_or_path: base });
    const hint = "hint: name it: --base-model <folder | file.gguf";
    const place = (of: string) => `at ${at(of)}/adapter_config.json`;
    refused(await over("a", name(null)), 2, "has no base_model_name_or_path", place("a"), hint);
    const gone = `no model at "${at("gone")}" or "../gone", and it is no owner/name`;
    refused(await over("b", name("../gone")), 2, 'base model "../gone"', gone, place("b"), hint);
    refused(await over("c", name(7)), 1, "ADAPTER_CONFIG", '"base_model_name_or_path"', place("c"));
    refused(await over("d", name("../a")), 2, "is an adapter itself", "export", place("d"));
    const self = await runHere("generate", at("a"), "--base-model", at("a"), ...ASK);
    refused(self, 2, "has no base_model_name_or_path");
    refused(
      await over("e", { ...name("."), use_dora: true }),
      1,
      "ADAPTER_UNSUPPORTED",
      place("e"),
    );
    await Deno.remove(join(at("a"), "adapter_model.safetensors"));
    const half = await runHere("generate", at("a"), "--base-model", at("base"), ...ASK);
    refused(half, 1, "ADAPTER_MISSING", "no adapter_model.safetensors");
  }));

Deno.test("generate: a base of other shapes is named, with the adapter's file", () =>
  withBase(async (at) => {
    await writeTinyAdapter(at("adapter"), at("base"), { base_model_name_or_path: "../base" });
    await Deno.mkdir(at("wide"));
    await writeTinyChatModel(at("wide"), { hiddenSize: 32 });
    const ended = await runHere("generate", at("adapter"), "--base-model", at("wide"), ...ASK);
    const shapes = `expected [2, 32] by the base model "${at("wide")}"`;
    refused(ended, 1, "ADAPTER_MISMATCH", "[2, 16]", shapes, `at ${at("adapter")}`);
  }));

Deno.test("generate: GGUF files that are cut off, of an unknown kind or not there are refused", () =>
  withBase(async (at) => {
    const file = at("m.gguf");
    const ask = (which: string, ...words: string[]) => runHere("generate", which, ...words, ...ASK);
    await exportGguf(at("base"), file, { dtype: "F16" });
    const bytes = await Deno.readFile(file);
    for (const length of [7, 3000, bytes.length - 40]) {
      await Deno.writeFile(file, bytes.subarray(0, length));
      refused(await ask(file), 1, "WeightsError TRUNCATED", `at ${file}`, "hint:");
    }
    await Deno.writeFile(file, bytes);
    const { metadata } = await openGguf(file);
    const changed = new Map(metadata)
      .set("general.architecture", { type: "string", value: "mamba" });
    await writeGguf(at("other.gguf"), changed, new Map());
    refused(await ask(at("other.gguf")), 1, '"mamba" is read from GGUF; there is: llama');
    refused(await ask(at("gone.gguf")), 2, "there is no such file", "hint: give the path");
    await Deno.mkdir(at("files"));
    await Deno.rename(file, at("files/m.gguf"));
    refused(await ask(at("files")), 2, `name the file: ${at("files/m.gguf")}`);
    const whole = ["--base-model", at("base")];
    refused(await ask(at("files/m.gguf"), ...whole), 2, "is not a PEFT adapter folder", "--base=");
    refused(await ask(at("base"), "--base"), 2, "nothing says which model");
  }));

async function exported(...words: string[]): Promise<Ended> {
  const ended = await runHere("export", ...words);
  assertEquals(ended.code, 0, ended.stderr);
  return ended;
}

async function assertSameWeights(dir: string, expected: string): Promise<void> {
  const [one, other] = [await openWeights(dir), await openWeights(expected)];
  assertEquals([...one.tensors.keys()].sort(), [...other.tensors.keys()].sort());
  for (const name of one.tensors.keys()) {
    assertEquals(await one.read(name), await other.read(name), name);
  }
}

Deno.test("export: a GGUF file as a folder, and as one of other numbers, never over itself", () =>
  withBase(async (at) => {
    await exportGguf(at("base"), at("mine.gguf"), { dtype: "F32" });
    await exported(at("mine.gguf"), "--to", at("folder"));
    await assertSameWeights(at("folder"), at("base"));
    assertEquals((await said(at("folder"))).ids, (await said(at("base"))).ids);
    assertStringIncludes(await Deno.readTextFile(at("folder/README.md")), "# mine\n");
    await exported(at("mine.gguf"), "--to", at("small.gguf"), "--gguf-type=Q8_0");
    const { metadata } = await openGguf(at("small.gguf"));
    assertEquals(metadata.get("general.name")?.value, "mine");
    const over = await runHere("export", at("mine.gguf"), "--to", at("mine.gguf"), "--force");
    refused(over, 2, "it holds the model");
    const none = ["--to", at("x"), "--format=adapter"];
    refused(await runHere("export", at("mine.gguf"), ...none), 2, "NO_LORA_ADAPTER", "mine.gguf");
    assertEquals(namesIn(at("")), ["base", "folder", "mine.gguf", "small.gguf"]);
  }));

Deno.test("export: an adapter folder as the merged model, and as an adapter; its base on the card", () =>
  withBase(async (at) => {
    const config = { base_model_name_or_path: "acme/tiny", revision: "v1" };
    await writeTinyAdapter(at("adapter"), at("base"), config);
    const formats = ["--format=huggingface", "--format=adapter", "--format=gguf"];
    const words = [at("adapter"), "--base-model", at("base"), "--gguf-type=F32"];
    await exported(...words, "--to", at("out"), ...formats);
    const model = await merged(at);
    await assertSameWeights(at("out/huggingface"), model);
    const gguf = at("out/gguf/adapter-F32.gguf");
    assertEquals((await said(gguf)).ids, (await said(model)).ids);
    for (const format of ["huggingface", "adapter"]) {
      const card = await Deno.readTextFile(at(`out/${format}/README.md`));
      assertStringIncludes(card, "base_model: acme/tiny\n");
    }
    const own = JSON.parse(await Deno.readTextFile(at("out/adapter/adapter_config.json")));
    assertEquals([own.base_model_name_or_path, own.revision], ["acme/tiny", "v1"]);
    const again = await said(at("out/adapter"), "--base-model", at("base"));
    assertEquals(again.ids, (await said(model)).ids);
    const inside = await runHere("export", ...words, "--to", join(at("adapter"), "x.gguf"));
    refused(inside, 2, "it lies in the model's folder");
    assertEquals(namesIn(at("")), ["adapter", "base", "merged", "out"]);
    const { unexpected } = await checkModelFolder(at("out/huggingface"));
    assertEquals(unexpected, []);
  }));

Deno.test({
  name: "serve: a GGUF file's model goes by the file's name, an adapter's by its folder's",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using place = await Workplace.make();
    const at = (name: string) => join(place.dir, name);
    await Deno.mkdir(at("base"));
    await writeTinyChatModel(at("base"), { seed: "8" });
    await exportGguf(at("base"), at("small.Q8_0.gguf"), { dtype: "Q8_0" });
    await writeTinyAdapter(at("adapter"), at("base"), { base_model_name_or_path: "../base" });
    for (const [which, name] of [["small.Q8_0.gguf", "small.Q8_0"], ["adapter", "adapter"]]) {
      const child = place.start("serve", which!, "--device=wasm", "--port=0", "--json");
      const out = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const { url, model } = JSON.parse((await out.read()).value!);
      const body = { model, prompt: "Hi", temperature: 0, max_tokens: 9 };
      const answer = await fetch(`${url}/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const { choices } = await answer.json();
      const ask = ["--device=wasm", "--prompt=Hi", "--max-new-tokens=9", "--json"];
      const { stdout } = await runHere("generate", at(which!), ...ask);
      assertEquals([model, choices[0].text], [name, JSON.parse(stdout).text]);
      child.kill("SIGINT");
      assertEquals((await child.status).code, 0);
      await new Response(child.stderr).text();
      while (!(await out.read()).done);
    }
  },
});
