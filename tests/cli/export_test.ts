/** export: a run's model, trained with LoRA, and a folder's, as files for others. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { Workplace } from "./program.ts";

const PAIRS = fromFileUrl(new URL("../../pipelines/data/demo_pairs.jsonl", import.meta.url));

const PIPELINE = `name: small
device: wasm
stages:
  - uses: model
    with: { init: { hiddenSize: 32, numHiddenLayers: 1, numAttentionHeads: 2 } }
  - uses: ingest
    with: { source: ${JSON.stringify(PAIRS)}, evalFraction: 0.1 }
  - uses: template
  - uses: tokenize
    with: { maxLength: 64 }
  - uses: orpo
    with: { maxSteps: 1, lora: { r: 2 } }
  - uses: evaluate
    with: { generations: 0 }
  - uses: export
    with: { format: [huggingface, adapter, gguf], ggufType: [F32, Q8_0], dir: given, name: mine }
`;

async function trained(): Promise<Workplace> {
  const place = await Workplace.make();
  await Deno.writeTextFile(join(place.dir, "small.yaml"), PIPELINE);
  const { code, stderr } = await place.run("run", "small.yaml");
  assertEquals(code, 0, stderr);
  return place;
}

const names = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

Deno.test("export: what the stage writes by a pipeline, the verb writes by hand", async () => {
  await using place = await trained();
  const formats = ["huggingface", "adapter", "gguf"].map((format) => `--format=${format}`);
  const types = ["--gguf-type=F32", "--gguf-type=Q8_0"];
  const { code, stdout, stderr } = await place.run(
    ...["export", "latest", "--to=hand", "--name=mine", "--json", ...formats, ...types],
  );
  assertEquals(code, 0, stderr);
  const { exports } = JSON.parse(stdout);
  assertEquals(exports.map(({ dtype }: { dtype: string }) => dtype), [
    ...["float32", "float32", "F32", "Q8_0"],
  ]);
  const [given, hand] = [join(place.dir, "given"), join(place.dir, "hand")];
  assertEquals(names(given), ["adapter", "gguf", "huggingface", "oddsmith_export.json"]);
  for (const format of ["huggingface", "adapter", "gguf"]) {
    assertEquals(names(join(given, format)), names(join(hand, format)));
    for (const name of names(join(given, format))) {
      const [one, other] = [given, hand].map((dir) => Deno.readFileSync(join(dir, format, name)));
      assertEquals(one, other, name);
    }
  }
  const card = await Deno.readTextFile(join(hand, "huggingface", "README.md"));
  for (const text of ["a new model from a seed", "95% bootstrap", "| `lora.r` | 2 |"]) {
    assertStringIncludes(card, text);
  }

  const again = await place.run("export", "latest", "--to=hand", "--dtype=float16");
  assertEquals(again.code, 0, again.stderr);
  assert(names(hand).includes("model.safetensors"));

  const file = await place.run("export", "given/huggingface", "--to=own.gguf");
  assertEquals(file.code, 0, file.stderr);
  const plain = await place.run("export", "given/huggingface", "--to=x", "--format=adapter");
  assertEquals(plain.code, 2);
  assertStringIncludes(plain.stderr, "NO_LORA_ADAPTER");
  const left = ["given", "hand", "own.gguf", "runs", "small.yaml"];
  assertEquals(names(place.dir), left);
});

const REFUSED: [says: string, words: string[]][] = [
  ["--to is missing", []],
  ['did you mean "bfloat16"', ["--to=x", "--dtype=bfloat"]],
  ['no such value "Q4_0"', ["--to=x.gguf", "--gguf-type=Q4_0"]],
  ['expected a size such as "5GB", received "5XB"', ["--to=x", "--max-shard-size=5XB"]],
  ["expected owner/name", ["--to=x", "--base-model=x"]],
  ["Cannot export huggingface to one .gguf file", ["--to=x.gguf", "--format=huggingface"]],
  ["F16 and F32 to one", ["--to=x.gguf", "--gguf-type=F16", "--gguf-type=F32"]],
];

Deno.test("export: what makes no sense is refused before a model is looked for", async () => {
  await using place = await Workplace.make();
  for (const [says, words] of REFUSED) {
    const { code, stderr } = await place.run("export", "latest", ...words);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, says);
  }
});
