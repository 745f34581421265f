/** A whole pipeline from a model and a dataset of the hub, as its users run it. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { tryStage } from "../../src/runner/testing.ts";
import model from "../../stages/model.ts";
import { writeTinyAdapter } from "../chat/tiny_adapter.ts";
import { type Ended, Workplace } from "../cli/program.ts";
import { FakeHub, type FakeRepo } from "./server.ts";
import { content } from "./support.ts";

const MODEL_COMMIT = "a".repeat(40);
const DATA_COMMIT = "b".repeat(40);

const PIPELINE = `name: from-hub
stages:
  - uses: model
    with: { from: acme/tiny@v1 }
  - uses: ingest
    with:
      source: acme/pairs
      evalSource: { path: acme/pairs, split: test }
  - uses: template
  - uses: tokenize
    with: { maxLength: 64 }
  - uses: orpo
    with: { maxSteps: 1, microBatchSize: 2, gradientAccumulationSteps: 1 }
`;

const encoder = new TextEncoder();

/** A tiny model's files, and beside them what no model needs. */
async function modelRepo(): Promise<FakeRepo> {
  await using trial = await tryStage(model, {
    config: { init: { hiddenSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 } },
  });
  const { dir } = trial.outputs.model;
  const names = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
  const files = await Promise.all(
    names.map(async (name) => [name, await Deno.readFile(join(dir, name))] as const),
  );
  const others = ["pytorch_model.bin", "model-q8.gguf", "onnx/model.onnx", "README.md"];
  return {
    type: "model",
    id: "acme/tiny",
    commit: MODEL_COMMIT,
    branches: ["v1"],
    files: Object.fromEntries([...files, ...others.map((name) => [name, content(99)] as const)]),
    lfs: ["model.safetensors", "pytorch_model.bin", "model-q8.gguf"],
  };
}

function rows(from: number, count: number): Uint8Array {
  const lines = Array.from(
    { length: count },
    (_, at) =>
      JSON.stringify({ prompt: `What is ${from + at}?`, chosen: " A number.", rejected: " No." }),
  );
  return encoder.encode(lines.join("\n"));
}

const DATA_REPO: FakeRepo = {
  type: "dataset",
  id: "acme/pairs",
  commit: DATA_COMMIT,
  files: {
    "README.md": content(10),
    "dataset_infos.json": encoder.encode("{}"),
    "data/train-00000-of-00002.jsonl": rows(0, 6),
    "data/train-00001-of-00002.jsonl": rows(6, 6),
    "data/test.jsonl": rows(50, 4),
  },
  lfs: ["data/train-00001-of-00002.jsonl"],
};

function good({ code, stderr, stdout }: Ended): string {
  assertEquals(code, 0, stderr + stdout);
  return stderr + stdout;
}

Deno.test("run: a model and a dataset of the hub, then all of it again without a network", async () => {
  await using hub = new FakeHub();
  hub.repos.push(await modelRepo(), DATA_REPO);
  hub.faults.set("model.safetensors", [{ kind: "cut", after: 3000 }]);
  await using base = await Workplace.make();
  const home = join(base.dir, "hf");
  const online = base.withEnv({ HF_HOME: home, HF_ENDPOINT: hub.endpoint });
  const offline = base.withEnv({ HF_HOME: home, HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: "1" });
  await Deno.writeTextFile(join(base.dir, "p.yaml"), PIPELINE);

  const early = await offline.run("validate", "p.yaml");
  assertEquals(early.code, 2);
  assert(early.stderr.includes(`p.yaml:4:19`), early.stderr);
  assert(early.stderr.includes(`HubError OFFLINE: Cannot find "acme/tiny@v1"`), early.stderr);

  const checked = good(await online.run("validate", "p.yaml"));
  const note = "hf://acme/tiny@v1 is not cached yet and will be downloaded";
  assert(checked.includes(`model: ${note}`), checked);
  assert(good(await online.run("plan", "p.yaml")).includes(`run     ${note}`));
  assertEquals(hub.seen, [], "validate and plan ask nobody");

  good(await online.run("run", "p.yaml", "--device", "wasm"));
  const asked = hub.seen.map(({ path }) => path).filter((path) => path.includes("/resolve/"));
  assert(asked.some((path) => path.endsWith("model.safetensors")));
  for (const other of ["pytorch_model.bin", ".gguf", ".onnx", "README.md", "dataset_infos.json"]) {
    assert(!asked.some((path) => path.endsWith(other)), other);
  }
  const inspected = JSON.parse(good(await online.run("inspect", "latest", "--json")));
  const [first, second] = inspected.stages;
  assertEquals(first.facts.commit, MODEL_COMMIT);
  assertEquals(first.facts.repository, "hf://acme/tiny@v1");
  assertEquals(second.facts.kept, { train: 12, eval: 4 });
  const data = { repository: "hf://datasets/acme/pairs@main", commit: DATA_COMMIT };
  assertEquals(second.facts.repositories, [data]);

  // The trained model beside the one it came from, by the run and by the hub's name.
  const ask = ["--device=wasm", "--prompt=Hi", "--max-new-tokens=4", "--json"];
  const both = await online.run("generate", "latest", "--base", ...ask);
  assertEquals(both.code, 0, both.stderr);
  const { model: tuned, base: untuned } = JSON.parse(both.stdout);
  const { id } = JSON.parse(good(await online.run("inspect", "latest", "--json")));
  assertEquals([tuned, untuned.model], [`${id}:orpo.model`, `${id}:model.model`]);
  const named = await online.run("generate", "acme/tiny@v1", ...ask);
  assertEquals(named.code, 0, named.stderr);
  assertEquals(JSON.parse(named.stdout).ids, untuned.ids);

  // An adapter's base is the repository that its configuration names, at its revision.
  const adapter = join(base.dir, "adapter");
  const base_model_name_or_path = "acme/tiny";
  const { dir } =
    (await Array.fromAsync(Deno.readDir(join(home, "hub/models--acme--tiny/snapshots"))))
      .map(({ name }) => ({ dir: join(home, "hub/models--acme--tiny/snapshots", name) }))[0]!;
  await writeTinyAdapter(adapter, dir, { base_model_name_or_path, revision: "v1" });
  const over = await online.run("generate", "adapter", "--base", ...ask);
  assertEquals(over.code, 0, over.stderr);
  const { ids: adapted, base: { ids: plain, model: name } } = JSON.parse(over.stdout);
  assertEquals([name, plain], ["hf://acme/tiny@v1", untuned.ids]);
  assertNotEquals(adapted, plain);
  await writeTinyAdapter(join(base.dir, "lost"), dir, { base_model_name_or_path: "acme/gone" });
  const lost = await online.run("generate", "lost", ...ask);
  assertEquals(lost.code, 1);
  const said = 'REPO_NOT_FOUND: Cannot find the adapter\'s base model "acme/gone"';
  for (const part of [said, "at lost/adapter_config.json", "--base-model"]) {
    assert(lost.stderr.includes(part), lost.stderr);
  }

  // What is exported names both on its card; a repository's model is exported by its name.
  good(await online.run("export", "latest", "--to=out"));
  const card = await Deno.readTextFile(join(base.dir, "out", "README.md"));
  assert(card.startsWith("---\nbase_model: acme/tiny\ndatasets:\n  - acme/pairs\nlibrary"), card);
  assert(card.includes(`began as \`acme/tiny\` at \`${MODEL_COMMIT}\``), card);
  assert(card.includes("| sources | acme/pairs |"), card);
  good(await online.run("export", "acme/tiny@v1", "--to=tiny"));
  const own = await Deno.readTextFile(join(base.dir, "tiny", "README.md"));
  assert(own.includes("# tiny\n\n`acme/tiny` at `v1`, written by Oddsmith"), own);

  hub.seen.length = 0;
  const planned = good(await offline.run("plan", "p.yaml"));
  assertEquals(planned.match(/reuse +unchanged/g)?.length, 5, planned);
  // The results are thrown away, the cache is not: the same again, from it alone.
  await Deno.remove(join(base.dir, "runs"), { recursive: true });
  good(await offline.run("run", "p.yaml", "--device", "wasm"));
  assertEquals(hub.seen, []);

  // A branch that moved is noticed when the stage is forced, and named by the plan after that.
  hub.repos.splice(0, 1, { ...hub.repos[0]!, commit: "c".repeat(40) });
  good(await online.run("run", "p.yaml", "--device", "wasm", "--until", "model"));
  assertEquals(hub.seen, []);
  const again = ["--device", "wasm", "--until", "model", "--force=model"];
  good(await online.run("run", "p.yaml", ...again));
  const moved = JSON.parse(good(await online.run("inspect", "latest", "--json")));
  assertEquals(moved.stages[0].facts.commit, "c".repeat(40));
});
