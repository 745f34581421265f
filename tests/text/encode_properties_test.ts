/** What must hold of every pair on every tokenizer, tried on drawn texts. */

import { assert, assertEquals } from "@std/assert";
import { Rng } from "../../src/base/rng.ts";
import { encodePair } from "../../src/text/encode_pair.ts";
import { planEncoding } from "../../src/text/encoding_plan.ts";
import { TextStreamer } from "../../src/text/text_streamer.ts";
import { loadTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";
import {
  byteTokenizer,
  mergingTokenizerFiles,
  SHARED_TOKENIZERS,
  testWith,
  tokenizerOf,
} from "./tokenizer_sources.ts";

const PIECES = [
  ..."abcdef   \n.,'019",
  ..."éß你好😀\u0301",
  " the",
  "ing",
  "tion ",
  "\n\n",
  "<|im_end|>",
  "<|im_start|>",
  "</s>",
  "<s>",
  "<|eos|>",
  "### ",
];

function drawText(rng: Rng, most: number): string {
  return Array.from({ length: rng.int(most) }, () => PIECES[rng.int(PIECES.length)]).join("");
}

const without = (ids: readonly number[], id: number | undefined, at: number) =>
  ids.at(at) === id ? ids.toSpliced(at, 1) : [...ids];

/** Splits words at random, so that boundaries fall inside tokens. */
function checkPairs(tokenizer: Tokenizer, count: number): void {
  const rng = Rng.fromSeed("encode");
  const plan = planEncoding(tokenizer, {
    maxLength: tokenizer.maxPositions,
    addBos: true,
    eosToken: tokenizer.tokenText(tokenizer.eosTokenId!),
  });
  const { bosTokenId, eosTokenId } = plan;
  for (let id = 0; id < count; id++) {
    const prompt = drawText(rng, 24);
    const [chosen, rejected] = [drawText(rng, 24), drawText(rng, 24)];
    const pair = { id: `${id}`, source: `drawn:${id}`, prompt, chosen, rejected, templated: false };
    const encoded = encodePair(tokenizer, pair, plan);
    const ids = [chosen, rejected].map((answer) => tokenizer.encode(prompt + answer));
    if (encoded.dropped !== undefined) {
      assertEquals(encoded.dropped, "identical-answers");
      assertEquals(ids[0], ids[1]);
      continue;
    }
    const { promptIds, chosenIds, rejectedIds } = encoded.pair;
    assertEquals(promptIds[0], bosTokenId);
    [chosenIds, rejectedIds].forEach((answerIds, side) => {
      assert(answerIds.length > 0);
      const joined = [...promptIds, ...answerIds];
      const expected = ids[side]!;
      const bare = expected[0] === bosTokenId ? joined : without(joined, bosTokenId, 0);
      const asWritten = bare.length > expected.length ? without(bare, eosTokenId, -1) : bare;
      assertEquals(asWritten, expected, JSON.stringify(pair));
    });
    const cut = prompt.length > 0 && tokenizer.encode(prompt);
    if (cut) assertEquals(encoded.notes.boundaryMoved <= cut.length, true);
  }
}

/** Streamed text equals the text decoded at once, character by whole character. */
function checkStreaming(tokenizer: Tokenizer, count: number): void {
  const rng = Rng.fromSeed("stream");
  for (let at = 0; at < count; at++) {
    const promptIds = tokenizer.encode("Say " + drawText(rng, 6));
    const ids = tokenizer.encode(drawText(rng, 30));
    const streamer = new TextStreamer(tokenizer, { promptIds, skipSpecialTokens: false });
    const parts = [...ids.map((id) => streamer.push(id)), streamer.end()];
    assert(parts.every((part) => !part.includes("\ufffd")), JSON.stringify(parts));
    const whole = tokenizer.decode([...promptIds, ...ids]);
    assertEquals(parts.join(""), whole.slice(tokenizer.decode(promptIds).length));
  }
}

for (const [name, dir] of Object.entries(SHARED_TOKENIZERS)) {
  testWith(
    dir,
    `encodePair: ${name} keeps the ids of the joined text on 300 drawn pairs`,
    async () => {
      checkPairs(await loadTokenizer(dir), 300);
    },
  );
  testWith(dir, `TextStreamer: ${name} gives the decoded text, no half characters`, async () => {
    checkStreaming(await loadTokenizer(dir), 100);
  });
}

Deno.test("encodePair: bytes and merged bytes keep the ids of the joined text", async () => {
  checkPairs(await byteTokenizer(), 300);
  checkPairs(await tokenizerOf(mergingTokenizerFiles()), 300);
});

Deno.test("TextStreamer: bytes give the decoded text, no half characters", async () => {
  checkStreaming(await byteTokenizer(), 100);
});

Deno.test("TextStreamer: special tokens are left out, unfinished characters come at the end", async () => {
  const tokenizer = await byteTokenizer();
  const streamer = new TextStreamer(tokenizer);
  const [first, second] = new TextEncoder().encode("é");
  assertEquals([97, 257, first!].map((id) => streamer.push(id)), ["a", "", ""]);
  assertEquals(streamer.push(second!), "é");
  assertEquals(streamer.push(first!), "");
  assertEquals(streamer.end(), "\ufffd");
  assertEquals(streamer.end(), "");
});
