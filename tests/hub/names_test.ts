/** References, where they are told from paths, and what the environment says. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { locate } from "../../src/hub/location.ts";
import { parseHubAddress, parseShortReference } from "../../src/hub/reference.ts";
import { hubSettings } from "../../src/hub/settings.ts";

Deno.test("parseShortReference: owner/name, with or without a revision", () => {
  const text = "acme/tiny-1.0_b";
  assertEquals(parseShortReference(text, "model"), {
    text,
    type: "model",
    id: text,
    revision: "main",
  });
  for (const revision of ["v1.0", "refs/pr/3", "0".repeat(40), "feature/x"]) {
    assertEquals(parseShortReference(`a/b@${revision}`, "dataset")?.revision, revision);
  }
  for (const other of ["gpt2", "a/b/c", "-a/b", "a/b.", "a/b--c", "a/b..c", "a/b.git", "a/*", ""]) {
    assertEquals(parseShortReference(other, "model"), undefined, other);
  }
  for (const bad of ["a/b@", "a/b@../x", "a/b@x//y", "a/b@x y", "a/b@.hidden"]) {
    const error = assertThrows(() => parseShortReference(bad, "model"), OddsmithError);
    assertEquals(error.code, "BAD_REFERENCE");
  }
});

Deno.test("parseHubAddress: repository, revision and path", () => {
  const parts = (text: string, type: "model" | "dataset" = "dataset") => {
    const { id, revision, path } = parseHubAddress(text, type);
    return [id, revision, path];
  };
  assertEquals(parts("hf://a/b", "model"), ["a/b", "main", undefined]);
  assertEquals(parts("hf://models/a/b@v1", "model"), ["a/b", "v1", undefined]);
  assertEquals(parts("hf://datasets/a/b"), ["a/b", "main", undefined]);
  assertEquals(parts("hf://datasets/a/b/data/*.jsonl"), ["a/b", "main", "data/*.jsonl"]);
  assertEquals(parts("hf://datasets/a/b@v1/x.csv"), ["a/b", "v1", "x.csv"]);
  assertEquals(parts("hf://datasets/a/b@refs/convert/parquet/default/train"), [
    "a/b",
    "refs/convert/parquet",
    "default/train",
  ]);
  assertEquals(parts("hf://datasets/a/b@feature%2Fx/d"), ["a/b", "feature/x", "d"]);
  const bad: [string, "model" | "dataset", string][] = [
    ["hf://a/b", "dataset", "a repository of models, a dataset is wanted"],
    ["hf://datasets/a/b", "model", "a repository of datasets, a model is wanted"],
    ["hf://a", "model", `"a/" is no owner/name`],
    ["hf://a/b/model.safetensors", "model", "a whole repository, or a GGUF file of it"],
    ["hf://datasets/a/b/../c", "dataset", "no path in a repository"],
    ["hf://datasets/a/b@..%2Fx/c", "dataset", "no revision"],
  ];
  for (const [text, type, reason] of bad) {
    const error = assertThrows(() => parseHubAddress(text, type), OddsmithError);
    assert(error.message.includes(reason), error.message);
  }
});

Deno.test("locate: a path that is there wins, ./ is always one", async () => {
  const dir = await Deno.makeTempDir();
  const kind = async (text: string) =>
    (await locate(text, "model", (path) => join(dir, path))).kind;
  try {
    assertEquals(await kind("models/base"), "hub");
    await Deno.mkdir(join(dir, "models/base"), { recursive: true });
    assertEquals(await kind("models/base"), "path");
    assertEquals(await kind("models/base@v1"), "hub");
    assertEquals(await kind("hf://models/models/base"), "hub");
    for (const path of ["./a/b", "../a", "/a/b", "~/a", "C:\\a\\b", "a", "a/b/c", "a/b.jsonl.gz"]) {
      assertEquals(await kind(path), "path", path);
    }
    assertEquals(await kind("data/*"), "path");
    assertEquals(await kind("a/b.gguf"), "path");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("hubSettings: names and defaults are Hugging Face's", async () => {
  const settings = (env: Record<string, string>) =>
    hubSettings((name) => ({ HOME: "/home/u", ...env })[name]);
  const cacheDir = async (env: Record<string, string>) => (await settings(env)).cacheDir;
  assertEquals(await cacheDir({}), "/home/u/.cache/huggingface/hub");
  assertEquals(await cacheDir({ XDG_CACHE_HOME: "/x" }), "/x/huggingface/hub");
  assertEquals(await cacheDir({ HF_HOME: "~/hf", XDG_CACHE_HOME: "/x" }), "/home/u/hf/hub");
  assertEquals(await cacheDir({ HF_HOME: "/h", HF_HUB_CACHE: "$HOME/c" }), "/home/u/c");
  const { endpoint, token, offline } = await settings({});
  assertEquals([endpoint, token, offline], ["https://huggingface.co", undefined, false]);
  assertEquals((await settings({ HF_ENDPOINT: "http://h/x/" })).endpoint, "http://h/x");
  for (const yes of ["1", "true", "YES"]) assert((await settings({ HF_HUB_OFFLINE: yes })).offline);
  assert(!(await settings({ HF_HUB_OFFLINE: "0" })).offline);
  const bad = await assertRejects(() => settings({ HF_ENDPOINT: "hub" }), OddsmithError);
  assertEquals(bad.code, "BAD_ENDPOINT");
});

Deno.test("hubSettings: HF_TOKEN goes before the token file", async () => {
  const home = await Deno.makeTempDir();
  const token = async (env: Record<string, string>) =>
    (await hubSettings((name) => ({ HF_HOME: home, ...env })[name])).token;
  try {
    await Deno.writeTextFile(join(home, "token"), "hf_file\n");
    assertEquals(await token({}), "hf_file");
    assertEquals(await token({ HF_TOKEN: "hf_env" }), "hf_env");
    assertEquals(await token({ HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }), undefined);
    const bad = await assertRejects(() => token({ HF_TOKEN: "hf two" }), OddsmithError);
    assertEquals(bad.code, "BAD_TOKEN");
    assert(!bad.format().includes("hf two"), bad.format());
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
