/** What the model and ingest stages take of a repository, and what they say where they cannot. */

import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { chooseDataFiles } from "../../src/data/repository_files.ts";
import { exportGguf } from "../../src/models/gguf/export_gguf.ts";
import { datasetOf, tryStage } from "../../src/runner/testing.ts";
import ingest from "../../stages/ingest.ts";
import orpo from "../../stages/orpo.ts";
import model from "../../stages/model.ts";
import { writeTinyAdapter } from "../chat/tiny_adapter.ts";
import { writeTinyChatModel } from "../chat/tiny_chat_model.ts";
import { runHere } from "../cli/program.ts";
import { inScratch } from "../scratch.ts";
import type { FakeRepo } from "./server.ts";
import { COMMIT, content, Place } from "./support.ts";

const encoder = new TextEncoder();
const choose = (paths: string[], choice: Parameters<typeof chooseDataFiles>[2] = {}) =>
  chooseDataFiles("acme/pairs", paths, choice);

Deno.test("chooseDataFiles: the training data where nothing is said", () => {
  const cases: [string[], string[]][] = [
    [["pairs.jsonl", "README.md", ".hidden.json"], ["pairs.jsonl"]],
    [["a.csv", "b.parquet", "dataset_infos.json"], ["a.csv", "b.parquet"]],
    [["data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"], [
      "data/train-00000-of-00001.parquet",
    ]],
    [["en/train.jsonl.gz", "en/test.jsonl.gz", "de/train.jsonl.gz"], [
      "de/train.jsonl.gz",
      "en/train.jsonl.gz",
    ]],
    [["default/train/0000.parquet", "default/test/0000.parquet"], ["default/train/0000.parquet"]],
    [["pairs.json", "pairs_test.json"], ["pairs.json"]],
  ];
  for (const [paths, wanted] of cases) assertEquals(choose(paths), wanted);
});

Deno.test("chooseDataFiles: by split and by glob", () => {
  const paths = [
    "data/train_prefs-00000-of-00002.parquet",
    "data/train_prefs-00001-of-00002.parquet",
    "data/train_sft-00000-of-00001.parquet",
    "data/test_prefs-00000-of-00001.parquet",
    "extra/notes.txt",
  ];
  assertEquals(choose(paths, { split: "train_prefs" }), paths.slice(0, 2));
  assertEquals(choose(paths, { split: "sft" }), [paths[2]]);
  assertEquals(choose(paths, { files: "data/*_prefs-*" }), [paths[3], paths[0], paths[1]]);
  assertEquals(choose(paths, { files: "data" }), [...paths.slice(0, 4)].sort());
  assertEquals(choose(paths, { files: "extra/notes.txt" }), ["extra/notes.txt"]);
  const unclear = assertThrows(() => choose(paths), OddsmithError);
  assertEquals(unclear.code, "SPLIT_UNCLEAR");
  assert(unclear.message.endsWith("it has test_prefs, train_prefs, train_sft"), unclear.message);
  const none = assertThrows(() => choose(paths, { split: "train_pref" }), OddsmithError);
  assertEquals(none.code, "NO_FILES");
  assert(none.hint!.startsWith(`did you mean "train_prefs"?`), none.hint);
  const scripted = assertThrows(() => choose(["load.py"]), OddsmithError);
  assert(scripted.hint!.includes("@refs/convert/parquet"), scripted.hint);
});

/** Runs `work` with the environment of a place. */
async function inPlace<T>(place: Place, work: () => Promise<T>): Promise<T> {
  const { endpoint, cacheDir } = place.settings;
  const values = { HF_ENDPOINT: endpoint, HF_HUB_CACHE: cacheDir, HF_TOKEN: "" };
  const before = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

Deno.test("model: a sharded repository is fetched by its index", async () => {
  const index = { weight_map: { a: "model-1.safetensors", b: "model-2.safetensors" } };
  const files = {
    "config.json": encoder.encode("{}"),
    "model.safetensors.index.json": encoder.encode(JSON.stringify(index)),
    "model-1.safetensors": content(100),
    "model-2.safetensors": content(200),
    "consolidated.safetensors": content(300),
  };
  const repo: FakeRepo = { type: "model", id: "acme/big", commit: COMMIT, files };
  await using place = await Place.make(repo);
  await inPlace(place, async () => {
    // The shards are no safetensors: what is asked here is only what was fetched before that shows.
    const work = () => tryStage(model, { config: { from: "acme/big" } });
    await assertRejects(work, OddsmithError);
  });
  const fetched = place.hub.seen.filter(({ path }) => path.includes("/resolve/"))
    .map(({ path }) => path.split("/").at(-1)!);
  const wanted = Object.keys(files).filter((name) => name !== "consolidated.safetensors");
  assertEquals(fetched.sort(), wanted.sort());
});

Deno.test("model: a repository without safetensors is refused with what it has", async () => {
  const files = { "config.json": encoder.encode("{}"), "pytorch_model.bin": content(9) };
  await using place = await Place.make({ type: "model", id: "acme/old", commit: COMMIT, files });
  const error = await inPlace(
    place,
    () => assertRejects(() => tryStage(model, { config: { from: "acme/old" } }), OddsmithError),
  );
  assertEquals(error.code, "NO_MODEL");
  assert(error.message.endsWith("no model.safetensors; it has pytorch_model.bin"), error.message);
  assertEquals(place.hub.fileRequests("pytorch_model.bin"), []);
});

Deno.test("model: a GGUF file of a repository, and the hint to it", async () => {
  await inScratch(async (dir) => {
    const [made, local] = [join(dir, "made"), join(dir, "Q8_0.gguf")];
    await Deno.mkdir(made);
    await writeTinyChatModel(made);
    await exportGguf(made, local, { dtype: "Q8_0" });
    const files = { "sub/Q8_0.gguf": await Deno.readFile(local), "other.gguf": content(500) };
    await using place = await Place.make({ type: "model", id: "acme/gg", commit: COMMIT, files });
    await inPlace(place, async () => {
      const from = "hf://acme/gg@main/sub/Q8_0.gguf";
      await using hub = await tryStage(model, { config: { from } });
      await using here = await tryStage(model, { config: { from: local } });
      for (const name of ["model.safetensors", "tokenizer.json", "config.json"]) {
        const [a, b] = [hub, here].map(({ outputs }) => join(outputs.model.dir, name));
        assertEquals(await Deno.readFile(a!), await Deno.readFile(b!), name);
      }
      assertEquals(hub.record.commit, COMMIT);
      assertEquals(hub.record.file, "sub/Q8_0.gguf");
      assertEquals(place.hub.fileRequests("other.gguf"), []);
      const ask = ["--device=wasm", "--prompt=Hi", "--max-new-tokens=4", "--json"];
      const { code, stdout, stderr } = await runHere("generate", from, ...ask);
      assertEquals([code, JSON.parse(stdout).model], [0, "hf://acme/gg@main"], stderr);
      const gone = () => tryStage(model, { config: { from: "hf://acme/gg/Q4_0.gguf" } });
      assertEquals((await assertRejects(gone, OddsmithError)).code, "FILE_NOT_FOUND");
      const whole = () => tryStage(model, { config: { from: "acme/gg" } });
      const { hint } = await assertRejects(whole, OddsmithError);
      assert(hint!.endsWith("or one of its GGUF files: hf://acme/gg/other.gguf"), hint);
    });
  });
});

Deno.test("model, orpo, generate: an adapter of the hub, over its base", async () => {
  await inScratch(async (dir) => {
    const [base, adapter, near] = ["base", "adapter", "near"].map((name) => join(dir, name));
    await Deno.mkdir(base!);
    await writeTinyChatModel(base!);
    await writeTinyAdapter(adapter!, base!, { base_model_name_or_path: base });
    const files: Record<string, Uint8Array> = { "optimizer.pt": content(77) };
    for (const { name } of Deno.readDirSync(adapter!)) {
      files[name] = await Deno.readFile(join(adapter!, name));
    }
    const hub: FakeRepo = { type: "model", id: "acme/lora", commit: COMMIT, files };
    await using place = await Place.make(hub);
    await inPlace(place, async () => {
      const weights = async (adapter: string) => {
        await using trial = await tryStage(model, { config: { from: base, adapter } });
        const file = join(trial.outputs.model.dir, "model.safetensors");
        return { bytes: await Deno.readFile(file), record: trial.record };
      };
      const far = await weights("acme/lora");
      assertEquals(far.bytes, (await weights(adapter!)).bytes);
      const repository = "hf://acme/lora@main";
      assertEquals(far.record.adapter, { repository, commit: COMMIT });
      assertEquals(place.hub.fileRequests("optimizer.pt"), []);

      const ask = ["--device=wasm", "--prompt=Hi", "--max-new-tokens=6", "--json"];
      const ids = async (...words: string[]) => {
        const { code, stdout, stderr } = await runHere("generate", ...words, ...ask);
        assertEquals(code, 0, stderr);
        return JSON.parse(stdout).ids;
      };
      const said = await ids(adapter!);
      assertEquals(await ids("acme/lora"), said);
      assertEquals(await ids("acme/lora", `--base-model=${base}`), said);
      assertNotEquals(await ids(base!), said);
      const { code } = await runHere("export", "acme/lora", `--to=${near}`);
      assertEquals(code, 0);
      assertEquals(await Deno.readFile(join(near!, "model.safetensors")), far.bytes);

      const pair = { promptIds: [256, 72], chosenIds: [105], rejectedIds: [104] };
      const one = [{ id: "1", source: "here:1", ...pair }];
      await using trained = await tryStage(orpo, {
        device: "wasm",
        config: { maxSteps: 1, lora: { adapter: "acme/lora" } },
        inputs: { model: { dir: base! }, pairs: datasetOf({ train: one, eval: [] }) },
      });
      assertEquals(trained.record.adapter, { repository, commit: COMMIT });
      const whole = () => weights("hf://acme/lora/adapter_model.safetensors");
      assertEquals((await assertRejects(whole, OddsmithError)).code, "BAD_REFERENCE");
    });
    const { "adapter_config.json": _, ...rest } = files;
    await using other = await Place.make({ ...hub, id: "acme/none", files: rest });
    await inPlace(other, async () => {
      const work = () => tryStage(model, { config: { from: base, adapter: "acme/none" } });
      const error = await assertRejects(work, OddsmithError);
      assertEquals(error.code, "ADAPTER_MISSING");
    });
  });
});

Deno.test("ingest: names rows by repository and file, and reports bytes", async () => {
  const row = { prompt: "a b", chosen: " c", rejected: " d" };
  const files = { "v2/rows.jsonl": encoder.encode(JSON.stringify(row)), "x.csv": content(9) };
  await using place = await Place.make({
    type: "dataset",
    id: "acme/pairs",
    commit: COMMIT,
    files,
  });
  const source = `hf://datasets/acme/pairs@${COMMIT}/v2/*.jsonl`;
  await inPlace(place, async () => {
    await using trial = await tryStage(ingest, { config: { source, evalFraction: 0 } });
    const [pair] = await Array.fromAsync((await trial.outputs.pairs.read()).rows("train"));
    assertEquals(pair!.source, "acme/pairs/v2/rows.jsonl:1");
    assertEquals(trial.progress[0]!.note, "downloading v2/rows.jsonl");
    assertEquals(trial.progress[0]!.unit, "kB");
  });
  assertEquals(place.hub.fileRequests("x.csv"), []);
});

Deno.test("ingest: options of a repository are refused where there is none", async () => {
  const cases: [object, string][] = [
    [{ path: "./rows.jsonl", split: "train" }, "NOT_A_REPOSITORY"],
    [{ path: "./rows", files: "*.csv" }, "NOT_A_REPOSITORY"],
    [{ path: "hf://datasets/acme/pairs/v2", split: "train" }, "BAD_REFERENCE"],
  ];
  for (const [source, code] of cases) {
    const result = await ingest.config["~standard"].validate({ source });
    assert("value" in result);
    const error = await assertRejects(
      () => ingest.sources!(result.value, (path) => path),
      OddsmithError,
    );
    assertEquals(error.code, code);
  }
  const both = { source: { path: "acme/pairs", files: "*.csv", split: "train" } };
  assert((await ingest.config["~standard"].validate(both)).issues !== undefined);
});
