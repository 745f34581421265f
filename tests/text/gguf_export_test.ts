/** Tokenizers to GGUF metadata and back: the same ids and templates, or a refusal. */

import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import { tokenizerFromGguf } from "../../src/text/gguf/from_gguf.ts";
import { preTokenizerNamed } from "../../src/text/gguf/pre_tokenizers.ts";
import { mergesOf, scoresOf } from "../../src/text/gguf/sentencepiece.ts";
import { tokenizerToGguf } from "../../src/text/gguf/to_gguf.ts";
import { loadTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";
import type { GgufField } from "../../src/weights/gguf_types.ts";

type Files = Readonly<Record<string, string>>;

async function withFolder<T>(files: Files, run: (dir: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(dir, name), text);
    }
    return await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const ALPHABET = [
  "a",
  "the ",
  "  ",
  "\n",
  "é",
  "日本",
  "🚀",
  "'ll",
  "42",
  "!?",
  "\t",
  "<|user|>",
  "<s>",
];

/** Whatever two tokenizers are asked, they say the same. */
function assertSame(actual: Tokenizer, expected: Tokenizer): void {
  const rng = Rng.fromSeed("texts");
  for (let i = 0; i < 200; i++) {
    const parts = Array.from({ length: rng.int(12) }, () => ALPHABET[rng.int(ALPHABET.length)]);
    const text = parts.join("");
    const ids = expected.encode(text, { addSpecialTokens: true });
    assertEquals(actual.encode(text, { addSpecialTokens: true }), ids, JSON.stringify(text));
    for (const skipSpecialTokens of [true, false]) {
      const options = { skipSpecialTokens };
      assertEquals(actual.decode(ids, options), expected.decode(ids, options));
    }
  }
  assertEquals(actual.chatTemplates, expected.chatTemplates);
  assertEquals(actual.eosTokenIds, expected.eosTokenIds);
  assertEquals(
    [actual.bosTokenId, actual.padTokenId, actual.addBos, actual.addEos],
    [expected.bosTokenId, expected.padTokenId, expected.addBos, expected.addEos],
  );
}

/** Writes a folder's tokenizer as metadata and reads it again. */
async function roundTrip(dir: string, rows: number): Promise<void> {
  const metadata = await tokenizerToGguf(dir, rows);
  const { files, eosTokenIds } = tokenizerFromGguf("test.gguf", metadata);
  const expected = await loadTokenizer(dir);
  const generation = JSON.stringify({ eos_token_id: eosTokenIds });
  await withFolder(
    { ...files, "generation_config.json": generation },
    async (again) => assertSame(await loadTokenizer(again), expected),
  );
}

Deno.test("tokenizerToGguf: the byte-level tokenizer comes back with its template", () =>
  withFolder(byteTokenizerFiles(), (dir) => roundTrip(dir, 262)));

for (
  const [folder, rows] of [
    ["tokenizers/smollm-135m", 49153],
    ["tokenizers/minimind", 6400],
    ["tokenizers/llama2-converted", 32000],
    ["models/stories260K/hf", 512],
  ] as const
) {
  const dir = join("../shared/data", folder);
  const present = await Deno.stat(dir).then(() => true, () => false);
  if (!present) console.log(`skipped: no ${dir}`);
  Deno.test({
    name: `tokenizerToGguf: ${folder} comes back with the same ids and templates`,
    ignore: !present,
    fn: () => roundTrip(dir, rows),
  });
}

Deno.test("tokenizerToGguf: named templates, several ends, and rows without a token", async () => {
  const config = JSON.parse(byteTokenizerFiles()["tokenizer_config.json"]!);
  const files = {
    ...byteTokenizerFiles(),
    "tokenizer_config.json": JSON.stringify({
      ...config,
      chat_template: [
        { name: "default", template: "{{ messages }}" },
        { name: "tool_use", template: "{{ tools }}" },
      ],
    }),
    "generation_config.json": JSON.stringify({ eos_token_id: [257, 258, 259] }),
  };
  await withFolder(files, async (dir) => {
    const metadata = await tokenizerToGguf(dir, 264);
    const { files: again, eosTokenIds } = tokenizerFromGguf("test.gguf", metadata);
    assertEquals(eosTokenIds, [257, 258, 259]);
    assertEquals((metadata.get("tokenizer.ggml.tokens")!.value as string[])[263], "[PAD263]");
    await withFolder(again, async (second) => {
      const { chatTemplates } = await loadTokenizer(second);
      assertEquals(chatTemplates.get("tool_use"), "{{ tools }}");
      assertEquals(chatTemplates.get("default"), "{{ messages }}");
    });
  });
});

const tokenizerJson = (change: (tokenizer: Record<string, unknown>) => void): Files => {
  const tokenizer = JSON.parse(byteTokenizerFiles()["tokenizer.json"]!);
  change(tokenizer);
  return { ...byteTokenizerFiles(), "tokenizer.json": JSON.stringify(tokenizer) };
};

for (
  const [name, files, rows, message] of [
    ["more tokens than rows", byteTokenizerFiles(), 261, /token 261 is beyond the model's 261/],
    [
      "a pre-tokenizer without a name",
      tokenizerJson((tokenizer) => tokenizer.pre_tokenizer = { type: "Whitespace" }),
      262,
      /no name for its pre-tokenizer/,
    ],
    [
      "a normalizer without a name",
      tokenizerJson((tokenizer) => tokenizer.normalizer = { type: "Lowercase" }),
      262,
      /no name for its pre-tokenizer and normalizer/,
    ],
  ] as const
) {
  Deno.test(`tokenizerToGguf: ${name} is refused`, () =>
    withFolder(files, async (dir) => {
      const error = await assertRejects(() => tokenizerToGguf(dir, rows), OddsmithError);
      assertEquals(error.code, "NOT_IN_GGUF");
      assertMatch(error.message, message);
    }));
}

Deno.test("tokenizerToGguf: a token that only llama.cpp would make is refused", async () => {
  const model = {
    type: "BPE",
    unk_token: "<unk>",
    byte_fallback: true,
    vocab: { "<unk>": 0, "▁": 1, "a": 2, "b": 3, "ab": 4 },
    merges: [],
  };
  const replace = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const tokenizer = { model, normalizer: replace, pre_tokenizer: null, added_tokens: [] };
  await withFolder({ "tokenizer.json": JSON.stringify(tokenizer) }, async (dir) => {
    const error = await assertRejects(() => tokenizerToGguf(dir, 5), OddsmithError);
    assertMatch(error.message, /would make the token "ab"/);
  });
});

Deno.test("mergesOf: merges come in the order of scores, and give the scores' order back", () => {
  const pieces = ["a", "b", "ab", "abb", "🚀", "🚀b", "bb"]
    .map((text, i) => ({ text, score: [0, 0, -2, -3, 0, -1, -9][i]! }));
  const merges = mergesOf(pieces);
  assertEquals(merges.map((merge) => merge.join(" ")), ["🚀 b", "a b", "ab b", "a bb", "b b"]);
  assertEquals([...scoresOf(merges).keys()], ["🚀b", "ab", "abb", "bb"]);
});

const field = (value: string): GgufField => ({ type: "string", value });
const list = (value: string[]): GgufField => ({ type: "array", elementType: "string", value });
const TOKENS: [string, GgufField] = ["tokenizer.ggml.tokens", list(["a", "b"])];
const GPT2: [string, GgufField][] = [
  ["tokenizer.ggml.model", field("gpt2")],
  TOKENS,
  ["tokenizer.ggml.merges", list([])],
];

for (
  const [name, metadata, code, message] of [
    ["no tokenizer", [], "MISSING_KEY", /no "tokenizer.ggml.model"/],
    ["a kind of 7", [["tokenizer.ggml.model", { type: "uint8", value: 7 }]], "BAD_VALUE", /is 7/],
    ["t5's kind", [["tokenizer.ggml.model", field("t5")], TOKENS], "GGUF_TOKENIZER", /kind "t5"/],
    ["no merges", GPT2.slice(0, 2), "MISSING_KEY", /merges/],
    [
      "a merge of one",
      [...GPT2, ["tokenizer.ggml.merges", list(["ab"])]],
      "GGUF_TOKENIZER",
      /"ab"/,
    ],
    ["an unknown cut", [...GPT2, ["tokenizer.ggml.pre", field("x")]], "GGUF_TOKENIZER", /is "x"/],
    ["a token twice", [...GPT2, [TOKENS[0], list(["a", "a"])]], "GGUF_TOKENIZER", /both "a"/],
    [
      "an id beyond the tokens",
      [...GPT2, ["tokenizer.ggml.bos_token_id", { type: "uint32", value: 2 }]],
      "GGUF_TOKENIZER",
      /is 2, it has 2/,
    ],
    [
      "types for some tokens",
      [...GPT2, [
        "tokenizer.ggml.token_type",
        { type: "array", elementType: "int32", value: Int32Array.of(1) },
      ]],
      "GGUF_TOKENIZER",
      /2 tokens and 1 types/,
    ],
  ] as [string, [string, GgufField][], string, RegExp][]
) {
  Deno.test(`tokenizerFromGguf: ${name} is refused`, () => {
    const error = assertThrows(
      () => tokenizerFromGguf("x.gguf", new Map(metadata)),
      OddsmithError,
    );
    assertEquals([error.code, error.location?.file], [code, "x.gguf"]);
    assertMatch(error.message, message);
  });
}

Deno.test("preTokenizerNamed: every family is found by each of its names", () => {
  for (const name of ["llama-bpe", "qwen2", "smollm", "gpt-2", "default", "dbrx"]) {
    assertEquals(preTokenizerNamed(name)!.names.includes(name), true);
  }
  assertEquals(preTokenizerNamed("nonsense"), undefined);
});
