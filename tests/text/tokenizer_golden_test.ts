/** Tokenizers against the Rust library and against llama.cpp's vectors. */

import { assertEquals } from "@std/assert";
import { loadTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";
import golden from "../golden/tokenizers_golden.json" with { type: "json" };
import { byteTokenizer, SHARED_TOKENIZERS, testWith, VECTORS } from "./tokenizer_sources.ts";

type Golden = {
  ids: number[][];
  withSpecialTokens: number[][];
  decoded: string[];
  decodedWithoutSpecial: string[];
  noise: [number[], string][];
};

const tokenizers = golden.tokenizers as unknown as Record<string, Golden>;

function checkAgainst(tokenizer: Tokenizer, expected: Golden): void {
  golden.strings.forEach((text, at) => {
    const ids = expected.ids[at]!;
    assertEquals(tokenizer.encode(text), ids, JSON.stringify(text));
    assertEquals(tokenizer.decode(ids), expected.decoded[at]);
    assertEquals(
      tokenizer.decode(ids, { skipSpecialTokens: true }),
      expected.decodedWithoutSpecial[at],
    );
  });
  expected.withSpecialTokens.forEach((ids, at) => {
    assertEquals(tokenizer.encode(golden.strings[at]!, { addSpecialTokens: true }), ids);
  });
  for (const [ids, text] of expected.noise) assertEquals(tokenizer.decode(ids), text);
}

for (const [name, dir] of Object.entries(SHARED_TOKENIZERS)) {
  testWith(
    dir,
    `tokenizer: ${name} equals the Rust library on ${golden.strings.length} strings`,
    async () => {
      checkAgainst(await loadTokenizer(dir), tokenizers[name]!);
    },
  );
}

Deno.test("byteTokenizerFiles: the Rust library reads them to the same ids", async () => {
  checkAgainst(await byteTokenizer(), tokenizers["byte-level"]!);
});

const VECTOR_FILES = {
  "gpt2-hf-json": "ggml-vocab-gpt-2.gguf",
  "llama2-converted": "ggml-vocab-llama-spm.gguf",
};

for (const [name, file] of Object.entries(VECTOR_FILES)) {
  testWith(VECTORS, `tokenizer: ${name} equals every vector of ${file}`, async () => {
    const tokenizer = await loadTokenizer(SHARED_TOKENIZERS[name]!);
    const inputs = await Deno.readTextFile(`${VECTORS}/${file}.inp`);
    const outputs = await Deno.readTextFile(`${VECTORS}/${file}.out`);
    const texts = inputs.split("\n__ggml_vocab_test__\n");
    const expected = outputs.split("\n").slice(0, texts.length)
      .map((line) => line.trim().split(/\s+/).filter((id) => id !== "").map(Number));
    assertEquals(texts.length > 40, true);
    texts.forEach((text, at) => {
      assertEquals(tokenizer.encode(text), expected[at], JSON.stringify(text));
    });
  });
}
