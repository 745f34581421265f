/** Tokenizers of vocabulary files by llama.cpp's makers, against the ids that came with them. */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { JsonObject } from "../../src/base/json.ts";
import { tokenizerFromGguf } from "../../src/text/gguf/from_gguf.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { openGguf } from "../../src/weights/gguf.ts";

const DATA = "../shared/data/tokenizers";
const present = await Deno.stat(join(DATA, "vectors")).then(() => true, () => false);
if (!present) console.log("GGUF vectors skipped: no ../shared/data/tokenizers/vectors");

async function convert(name: string): Promise<ReturnType<typeof tokenizerFromGguf>> {
  const gguf = await openGguf(join(DATA, "vectors", `ggml-vocab-${name}.gguf`));
  return tokenizerFromGguf(gguf.dir, gguf.metadata);
}

async function withTokenizer(
  files: Readonly<Record<string, string>>,
  run: (tokenizer: Awaited<ReturnType<typeof loadTokenizer>>) => Promise<void> | void,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(dir, name), text);
  try {
    await run(await loadTokenizer(dir));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

for (const [name, bos] of [["gpt-2", undefined], ["llama-spm", 1]] as const) {
  Deno.test({
    name: `tokenizerFromGguf: ${name} gives the ids of llama.cpp's vectors`,
    ignore: !present,
    fn: async () => {
      const { files } = await convert(name);
      const path = join(DATA, "vectors", `ggml-vocab-${name}.gguf`);
      const texts = (await Deno.readTextFile(`${path}.inp`)).split("\n__ggml_vocab_test__\n");
      const lines = (await Deno.readTextFile(`${path}.out`)).trimEnd().split("\n");
      await withTokenizer(files, (tokenizer) => {
        for (const [i, line] of lines.entries()) {
          const expected = line.split(" ").filter((id) => id !== "").map(Number);
          assertEquals(tokenizer.encode(texts[i]!), expected, JSON.stringify(texts[i]));
          assertEquals(tokenizer.decode(expected), texts[i]!);
        }
        assertEquals(tokenizer.addBos ? tokenizer.bosTokenId : undefined, bos);
        assertEquals(lines.length >= 40, true);
      });
    },
  });
}

const merges = (json: string | JsonObject): string[] => {
  const { model } = (typeof json === "string" ? JSON.parse(json) : json) as { model: JsonObject };
  return (model.merges as (string | string[])[])
    .map((merge) => typeof merge === "string" ? merge : merge.join(" "));
};

for (const [name, folder] of [["gpt-2", "gpt2-hf-json"], ["llama-spm", "llama2-converted"]]) {
  Deno.test({
    name: `tokenizerFromGguf: ${name}'s vocabulary and merges are those of ${folder}`,
    ignore: !present,
    fn: async () => {
      const { files } = await convert(name!);
      const reference = await Deno.readTextFile(join(DATA, folder!, "tokenizer.json"));
      const vocab = (text: string) => JSON.parse(text).model.vocab;
      assertEquals(vocab(files["tokenizer.json"]!), vocab(reference));
      const [own, theirs] = [merges(files["tokenizer.json"]!), merges(reference)];
      assertEquals(own.length, theirs.length);
      assertEquals(new Set(own), new Set(theirs));
    },
  });
}
