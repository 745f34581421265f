/** Tokenizers: special tokens, what is added around a text, and files that are wrong. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { BYTE_VOCAB_SIZE, byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { byteTokenizer, folderOf, tokenizerOf } from "./tokenizer_sources.ts";

const BOS = 256;
const EOS = 257;

async function failure(files: Record<string, unknown>): Promise<OddsmithError> {
  return await assertRejects(() => tokenizerOf(files), OddsmithError);
}

Deno.test("loadTokenizer: the byte-level tokenizer's ids are the bytes", async () => {
  const tokenizer = await byteTokenizer();
  const text = "Aé\n😀";
  assertEquals(tokenizer.encode(text), [...new TextEncoder().encode(text)]);
  assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
  assertEquals(tokenizer.vocabSize, BYTE_VOCAB_SIZE);
  assertEquals([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.padTokenId], [BOS, EOS, 258]);
  assertEquals(tokenizer.encode("<|user|>a"), [260, 97]);
  assertEquals(tokenizer.isSpecial(260), true);
  assertEquals(tokenizer.isSpecial(97), false);
  assertEquals(tokenizer.tokenText(97), "a");
  assertEquals(tokenizer.tokenId("<|eos|>"), EOS);
});

Deno.test("decode: no ids give no text, unknown ids are left out", async () => {
  const tokenizer = await byteTokenizer();
  assertEquals(tokenizer.decode([]), "");
  assertEquals(tokenizer.decode([EOS], { skipSpecialTokens: true }), "");
  assertEquals(tokenizer.decode([97, 9999, -1, 98]), "ab");
});

Deno.test("loadTokenizer: special tokens may be strings, objects, or in special_tokens_map.json", async () => {
  const asObject = await byteTokenizer({ eos_token: { content: "<|pad|>", special: true } });
  assertEquals(asObject.eosTokenId, 258);
  assertEquals(asObject.specialTokens.eos_token, "<|pad|>");
  const files = byteTokenizerFiles();
  const fromMap = await tokenizerOf({
    "tokenizer.json": files["tokenizer.json"],
    "special_tokens_map.json": { eos_token: { content: "<|user|>" }, bos_token: "<|bos|>" },
  });
  assertEquals([fromMap.bosTokenId, fromMap.eosTokenId], [BOS, 260]);
});

Deno.test("loadTokenizer: without a named EOS, generation_config.json and config.json are asked", async () => {
  const none = { eos_token: null };
  const fromGeneration = await byteTokenizer(none, {
    "generation_config.json": { eos_token_id: [258, 257] },
    "config.json": { eos_token_id: 260 },
  });
  assertEquals([fromGeneration.eosTokenId, fromGeneration.eosTokenIds], [258, [258, 257]]);
  const fromConfig = await byteTokenizer(none, { "config.json": { eos_token_id: 260 } });
  assertEquals([fromConfig.eosTokenId, fromConfig.specialTokens.eos_token], [260, "<|user|>"]);
  const nowhere = await byteTokenizer(none);
  assertEquals([nowhere.eosTokenId, nowhere.eosTokenIds], [undefined, []]);
});

Deno.test("loadTokenizer: all ids that end a generation are known", async () => {
  const tokenizer = await byteTokenizer({}, {
    "generation_config.json": { eos_token_id: [256, 257] },
  });
  assertEquals(tokenizer.eosTokenIds, [257, 256]);
});

Deno.test("addBos: add_bos_token decides, else the post-processor", async () => {
  const ids = async (config: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    (await byteTokenizer(config, more)).encode("a", { addSpecialTokens: true });
  assertEquals(await ids({}), [BOS, 97]);
  assertEquals(await ids({ add_bos_token: false }), [97]);
  assertEquals(await ids({ add_bos_token: undefined }), [BOS, 97]);
  assertEquals(await ids({ add_eos_token: true }), [BOS, 97, EOS]);
  const bare = { ...JSON.parse(byteTokenizerFiles()["tokenizer.json"]!), post_processor: null };
  assertEquals(await ids({ add_bos_token: undefined }, { "tokenizer.json": bare }), [97]);
  assertEquals(await ids({ add_bos_token: true }, { "tokenizer.json": bare }), [BOS, 97]);
});

Deno.test("loadTokenizer: a tokenizer without special tokens still encodes", async () => {
  const json = JSON.parse(byteTokenizerFiles()["tokenizer.json"]!);
  const tokenizer = await tokenizerOf({
    "tokenizer.json": {
      model: json.model,
      pre_tokenizer: json.pre_tokenizer,
      decoder: json.decoder,
    },
  });
  assertEquals(tokenizer.encode("ab", { addSpecialTokens: true }), [97, 98]);
  assertEquals([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.addBos], [
    undefined,
    undefined,
    false,
  ]);
  assertEquals(tokenizer.specialTokens, {});
});

Deno.test("loadTokenizer: missing and broken files name the file and what to do", async () => {
  const missing = await failure({ "config.json": {} });
  assertEquals(missing.code, "TOKENIZER_MISSING");
  assertStringIncludes(missing.format(), "tokenizer.json");
  const files = byteTokenizerFiles();
  const broken: Record<string, [string, unknown]> = {
    "bad JSON": ["tokenizer.json", files["tokenizer.json"]!.slice(0, 400)],
    "no JSON object": ["tokenizer.json", "[]"],
    'no "model"': ["tokenizer.json", "{}"],
    "vocabulary is empty": ["tokenizer.json", { model: { type: "BPE", vocab: {}, merges: [] } }],
    "no vocabulary": ["tokenizer.json", { model: { type: "Magic" } }],
    "merge 0 is no pair of tokens": ["tokenizer.json", {
      model: { type: "BPE", vocab: { a: 0, b: 1 }, merges: ["ab"] },
    }],
    "two tokens have the id 0": ["tokenizer.json", {
      model: { type: "BPE", vocab: { a: 0, b: 0 }, merges: [] },
    }],
    'the id of the token "a" is 2147483647': ["tokenizer.json", {
      model: { type: "BPE", vocab: { a: 2147483647 }, merges: [] },
    }],
    'its "eos_token_id" should be a token id': ["generation_config.json", { eos_token_id: 1.5 }],
    'its "vocab_size" should be a whole number': ["config.json", { vocab_size: "262" }],
    'its "chat_template" is neither text nor a list': [
      "tokenizer_config.json",
      { chat_template: 7 },
    ],
    "bad JSON:": ["tokenizer_config.json", "version https://git-lfs.github.com/spec/v1"],
  };
  for (const [reason, [name, content]] of Object.entries(broken)) {
    const error = await failure({ ...files, [name]: content });
    assertEquals(error.code, "TOKENIZER_INVALID", reason);
    assertStringIncludes(error.message, reason);
    assert(error.location!.file.endsWith(name));
  }
});

Deno.test("loadTokenizer: more than one token before a text is refused", async () => {
  const json = JSON.parse(byteTokenizerFiles()["tokenizer.json"]!);
  json.post_processor.single.unshift(json.post_processor.single[0]);
  const error = await failure({ "tokenizer.json": json });
  assertEquals(error.code, "TOKENIZER_UNSUPPORTED");
});

Deno.test("loadTokenizer: a file that is not UTF-8 is refused, not mended", async () => {
  const dir = await folderOf(byteTokenizerFiles());
  const path = join(dir, "tokenizer.json");
  const bytes = await Deno.readFile(path);
  await Deno.writeFile(path, bytes.with(bytes.length - 40, 0xff));
  const error = await assertRejects(() => loadTokenizer(dir), OddsmithError);
  assertStringIncludes(error.message, "its bytes are not UTF-8");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("encode: merges of what is no token are refused, as the Rust library does", async () => {
  const model = { type: "BPE", vocab: { a: 0, b: 1 }, merges: ["a b"] };
  const tokenizer = await tokenizerOf({ "tokenizer.json": { model } });
  const error = assertThrows(() => tokenizer.encode("ab"), OddsmithError, 'is of "ab"');
  assert(error.location!.file.endsWith("tokenizer.json"));
});

Deno.test("encode: an unknown token of an object's own name is no token", async () => {
  const tokenizer = await tokenizerOf({
    "tokenizer.json": {
      model: { type: "BPE", unk_token: "constructor", vocab: { a: 0 }, merges: [] },
    },
  });
  assertThrows(() => tokenizer.encode("ab"), OddsmithError, "not in the vocabulary");
});

Deno.test("encode: a character outside the vocabulary is an error, not an undefined id", async () => {
  const tokenizer = await tokenizerOf({
    "tokenizer.json": {
      model: {
        type: "WordPiece",
        vocab: { a: 0 },
        max_input_chars_per_word: 9,
        unk_token: "[UNK]",
        continuing_subword_prefix: "##",
      },
    },
  });
  assertEquals(tokenizer.encode("a"), [0]);
  assertEquals(tokenizer.encodeEndings("a", ["", ""]), [[0], [0]]);
  for (const encode of [() => tokenizer.encode("ab"), () => tokenizer.encodeEndings("a", ["b"])]) {
    const error = assertThrows(encode, OddsmithError, "U+0062");
    assertEquals(error.code, "UNKNOWN_CHARACTER");
  }
});

Deno.test("isBlank: white space and bytes that decode to nothing, but no letter and no special token", async () => {
  const tokenizer = await byteTokenizer();
  assertEquals([32, 10, 9].map((id) => tokenizer.isBlank(id)), [true, true, true]);
  assertEquals([97, EOS, 0xff].map((id) => tokenizer.isBlank(id)), [false, false, false]);
  assertEquals(tokenizer.isBlank(9999), true);
});

Deno.test("chatTemplates: one string, named ones, and files are all found", async () => {
  const named = await byteTokenizer({
    chat_template: [{ name: "default", template: "D" }, { name: "rag", template: "R" }],
  });
  assertEquals([...named.chatTemplates], [["default", "D"], ["rag", "R"]]);
  assertEquals(named.chatTemplate, "D");
  const files = await byteTokenizer({ chat_template: "old" }, {
    "chat_template.jinja": "new",
    "additional_chat_templates/tool_use.jinja": "T",
  });
  assertEquals([...files.chatTemplates], [["default", "new"], ["tool_use", "T"]]);
  const none = await byteTokenizer({ chat_template: undefined });
  assertEquals([none.chatTemplate, none.chatTemplates.size], [undefined, 0]);
});
