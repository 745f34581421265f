/** Pairs as ids: boundary, BOS, EOS, truncation, drops. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import { encodePair, type EncodingNotes } from "../../src/text/encode_pair.ts";
import { type EncodeOptions, planEncoding } from "../../src/text/encoding_plan.ts";
import type { TemplatedPair, TokenizedPair } from "../../src/text/pair.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { byteTokenizer, mergingTokenizerFiles, tokenizerOf } from "./tokenizer_sources.ts";

const BOS = 256;
const EOS = 257;

function pairOf(prompt: string, chosen: string, rejected: string): TemplatedPair {
  return { id: "p", source: "pairs.jsonl:9", prompt, chosen, rejected, templated: false };
}

function kept(
  tokenizer: Tokenizer,
  pair: TemplatedPair,
  options: EncodeOptions = {},
): { pair: TokenizedPair; notes: EncodingNotes } {
  const encoded = encodePair(tokenizer, pair, planEncoding(tokenizer, options));
  if (encoded.dropped !== undefined) throw new Error(`dropped: ${encoded.dropped}`);
  return encoded;
}

function idsOf(...args: Parameters<typeof kept>): number[][] {
  const { promptIds, chosenIds, rejectedIds } = kept(...args).pair;
  return [promptIds, chosenIds, rejectedIds];
}

function dropOf(tokenizer: Tokenizer, pair: TemplatedPair, options: EncodeOptions = {}): unknown {
  return encodePair(tokenizer, pair, planEncoding(tokenizer, options)).dropped;
}

function refusal(run: () => unknown): OddsmithError {
  return assertThrows(run, OddsmithError);
}

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];

Deno.test("encodePair: BOS begins the prompt and EOS ends both answers, once", async () => {
  const tokenizer = await byteTokenizer();
  assertEquals(idsOf(tokenizer, pairOf("q", "yes", "no")), [
    [BOS, ...bytes("q")],
    [...bytes("yes"), EOS],
    [...bytes("no"), EOS],
  ]);
});

Deno.test("encodePair: BOS and EOS that the text has are not doubled", async () => {
  const tokenizer = await byteTokenizer();
  assertEquals(idsOf(tokenizer, pairOf("<|bos|>q", "yes<|eos|>", "no<|eos|>\n")), [
    [BOS, ...bytes("q")],
    [...bytes("yes"), EOS],
    [...bytes("no"), EOS, 10],
  ]);
});

Deno.test("encodePair: an end that only generation_config.json names counts as one", async () => {
  const tokenizer = await byteTokenizer({}, {
    "generation_config.json": { eos_token_id: [257, 260] },
  });
  const [, chosen, rejected] = idsOf(tokenizer, pairOf("q", "a<|user|>\n", "b<|pad|>"));
  assertEquals(chosen, [97, 260, 10]);
  assertEquals(rejected, [98, 258, EOS]);
});

Deno.test("encodePair: white space after the answer's text is no end", async () => {
  const tokenizer = await byteTokenizer();
  const [, chosen, rejected] = idsOf(tokenizer, pairOf("q", "a\n ", "\n"));
  assertEquals([chosen, rejected], [[97, 10, 32, EOS], [10, EOS]]);
});

Deno.test("encodePair: addBos and addEos false add nothing, eosToken ends answers otherwise", async () => {
  const tokenizer = await byteTokenizer();
  const pair = pairOf("q", "a", "b");
  assertEquals(idsOf(tokenizer, pair, { addBos: false, addEos: false }), [[113], [97], [98]]);
  assertEquals(idsOf(tokenizer, pair, { eosToken: "<|pad|>" })[1], [97, 258]);
  const withoutBos = await byteTokenizer({ add_bos_token: false });
  assertEquals(idsOf(withoutBos, pair)[0], [113]);
  assertEquals(idsOf(withoutBos, pair, { addBos: true })[0], [BOS, 113]);
});

Deno.test("encodePair: a token across the boundary moves it back, for both answers alike", async () => {
  const tokenizer = await tokenizerOf(mergingTokenizerFiles());
  const [AB, ABCD] = [300, 303];
  const { pair, notes } = kept(tokenizer, pairOf("xab", "cd", "z"));
  assertEquals([pair.promptIds, pair.chosenIds, pair.rejectedIds], [
    [BOS, 120],
    [ABCD, EOS],
    [AB, 122, EOS],
  ]);
  assertEquals(notes.boundaryMoved, 1);
  const mirrored = kept(tokenizer, pairOf("xab", "z", "cd"));
  assertEquals(mirrored.pair.promptIds, [BOS, 120]);
  assertEquals(kept(tokenizer, pairOf("xab", "y", "z")).notes.boundaryMoved, 0);
});

Deno.test("encodePair: the boundary moves back by as many tokens as it takes", async () => {
  const tokenizer = await tokenizerOf(mergingTokenizerFiles());
  assertEquals(tokenizer.encode("xde"), [120, 100, 101]);
  const { pair, notes } = kept(tokenizer, pairOf("xde", "f", "z"));
  assertEquals(pair.promptIds, [BOS, 120]);
  assertEquals([pair.chosenIds, pair.rejectedIds], [[305, EOS], [100, 101, 122, EOS]]);
  assertEquals(notes.boundaryMoved, 2);
});

Deno.test("encodePair: an empty prompt is BOS, and without one the pair is dropped", async () => {
  const pair = pairOf("", "a", "b");
  assertEquals(idsOf(await byteTokenizer(), pair)[0], [BOS]);
  assertEquals(idsOf(await byteTokenizer({ add_bos_token: false }), pair)[0], [BOS]);
  assertEquals(dropOf(await byteTokenizer(), pair, { addBos: false }), "empty-prompt");
});

Deno.test("encodePair: answers without tokens and answers that are equal are dropped", async () => {
  const tokenizer = await byteTokenizer();
  assertEquals(dropOf(tokenizer, pairOf("q", "", "b"), { addEos: false }), "empty-answer");
  assertEquals(dropOf(tokenizer, pairOf("q", "same", "same")), "identical-answers");
  const cut: EncodeOptions = { maxLength: 6, overlong: "truncate" };
  assertEquals(dropOf(tokenizer, pairOf("q", "longest", "longer!"), cut), "identical-answers");
});

Deno.test("encodePair: a long prompt gives way from its start, BOS stays", async () => {
  const tokenizer = await byteTokenizer();
  const pair = pairOf("0123456789", "abc", "de");
  const { pair: cut, notes } = kept(tokenizer, pair, { maxLength: 10 });
  assertEquals(cut.promptIds, [BOS, ...bytes("56789")]);
  assertEquals(cut.chosenIds, [...bytes("abc"), EOS]);
  assertEquals([notes.promptTruncated, notes.chosenTruncated], [true, false]);
  const start = kept(tokenizer, pair, { maxLength: 10, truncation: "keep_start" });
  assertEquals(start.pair.promptIds, [BOS, ...bytes("01234")]);
});

Deno.test("encodePair: without BOS a cut prompt keeps its last tokens", async () => {
  const tokenizer = await byteTokenizer();
  const [prompt] = idsOf(tokenizer, pairOf("0123456789", "abc", "de"), {
    maxLength: 10,
    addBos: false,
  });
  assertEquals(prompt, bytes("456789"));
});

Deno.test("encodePair: maxPromptLength always holds, also where the pair would fit", async () => {
  const tokenizer = await byteTokenizer();
  const [prompt, chosen] = idsOf(tokenizer, pairOf("0123456789", "abc", "de"), {
    maxLength: 100,
    maxPromptLength: 4,
  });
  assertEquals([prompt, chosen], [[BOS, ...bytes("789")], [...bytes("abc"), EOS]]);
});

const LONG = pairOf("0123456789", "a".repeat(30), "bc");

Deno.test("encodePair: overlong drops, raises with the row, or cuts the longer answer only", async () => {
  const tokenizer = await byteTokenizer();
  assertEquals(dropOf(tokenizer, LONG, { maxLength: 20 }), "overlong");
  const error = refusal(() => kept(tokenizer, LONG, { maxLength: 20, overlong: "raise" }));
  assertEquals(error.code, "OVERLONG");
  assertEquals(error.location, { file: "pairs.jsonl", row: 9 });
  assertStringIncludes(error.message, "42 tokens, maxLength is 20");
  const { pair, notes } = kept(tokenizer, LONG, { maxLength: 20, overlong: "truncate" });
  assertEquals(pair.promptIds, [BOS, ...bytes("123456789")]);
  assertEquals(pair.chosenIds, bytes("a".repeat(10)));
  assertEquals(pair.rejectedIds, [...bytes("bc"), EOS]);
  assertEquals([notes.chosenTruncated, notes.rejectedTruncated], [true, false]);
});

Deno.test("encodePair: no answer ever loses all its tokens, however short maxLength is", async () => {
  const tokenizer = await byteTokenizer();
  for (let maxLength = 4; maxLength < 60; maxLength++) {
    for (const maxPromptLength of [undefined, 1, 2, maxLength - 1]) {
      const options: EncodeOptions = { maxLength, maxPromptLength, overlong: "truncate" };
      for (const pair of [LONG, pairOf("0123456789".repeat(9), "ab", "c".repeat(90))]) {
        const [prompt, chosen, rejected] = idsOf(tokenizer, pair, options) as [
          number[],
          number[],
          number[],
        ];
        const least = Math.min(Math.ceil(maxLength / 2), 3);
        assertEquals(chosen.length >= least && rejected.length >= least, true);
        assertEquals(prompt.length >= 1, true);
        assertEquals(prompt.length + Math.max(chosen.length, rejected.length) <= maxLength, true);
      }
    }
  }
});

Deno.test("encodePair: an id outside the model's vocabulary names token and row", async () => {
  const tokenizer = await byteTokenizer({}, { "config.json": { vocab_size: 258 } });
  assertEquals(idsOf(tokenizer, pairOf("q", "a", "b"))[1], [97, EOS]);
  const error = refusal(() => kept(tokenizer, pairOf("q", "a<|user|>", "b")));
  assertEquals(error.code, "VOCAB_TOO_SMALL");
  assertStringIncludes(error.format(), 'token "<|user|>" has id 260');
  assertStringIncludes(error.format(), "at pairs.jsonl row 9");
});

Deno.test("planEncoding: maxLength follows the model's positions", async () => {
  const tokenizer = await byteTokenizer();
  assertEquals(planEncoding(tokenizer).maxLength, 1024);
  const short = await byteTokenizer({}, { "config.json": { max_position_embeddings: 512 } });
  assertEquals(planEncoding(short).maxLength, 512);
  const long = await byteTokenizer({}, { "config.json": { max_position_embeddings: 8192 } });
  assertEquals(planEncoding(long).maxLength, 1024);
  assertEquals(planEncoding(long, { maxLength: 8192 }).maxLength, 8192);
});

Deno.test("planEncoding: lengths that cannot be are refused with a hint", async () => {
  const tokenizer = await byteTokenizer({}, { "config.json": { max_position_embeddings: 64 } });
  const refused: [EncodeOptions, string][] = [
    [{ maxLength: 3 }, "maxLength 3 leaves no room"],
    [{ maxLength: 65 }, "over the model's max_position_embeddings, 64"],
    [{ maxLength: 32, maxPromptLength: 32 }, "maxPromptLength 32 leaves no room"],
  ];
  for (const [options, reason] of refused) {
    const error = refusal(() => planEncoding(tokenizer, options));
    assertEquals(error.code, "MAX_LENGTH");
    assertStringIncludes(error.message, reason);
    assertEquals(error.hint === undefined, false);
  }
});

Deno.test("planEncoding: a tokenizer without special tokens says which option helps", async () => {
  const tokenizer = await byteTokenizer({
    bos_token: null,
    eos_token: null,
    add_bos_token: false,
  });
  const noEos = refusal(() => planEncoding(tokenizer));
  assertEquals(noEos.code, "NO_EOS");
  assertStringIncludes(noEos.hint!, "eosToken");
  const plan = planEncoding(tokenizer, { addEos: false });
  assertEquals(plan.eosTokenId, undefined);
  assertEquals(planEncoding(tokenizer, { eosToken: "<|pad|>" }).eosTokenId, 258);
  assertEquals(
    refusal(() => planEncoding(tokenizer, { eosToken: "<end>" })).code,
    "UNKNOWN_TOKEN",
  );
});

Deno.test("planEncoding: addBos true needs a BOS", async () => {
  const json = JSON.parse(byteTokenizerFiles()["tokenizer.json"]!);
  const tokenizer = await tokenizerOf({ "tokenizer.json": { ...json, post_processor: null } });
  const error = refusal(() => planEncoding(tokenizer, { addBos: true, addEos: false }));
  assertEquals(error.code, "NO_BOS");
});
