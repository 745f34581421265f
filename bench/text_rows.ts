/**
 * Rows for measuring text: as many as asked, made of real sentences, and with words nobody has seen
 * before at the rate at which real text brings them, so that no cache knows all there is to come.
 * The sentences come from ../shared/data; some are harmful, and none is ever printed.
 */

import { fromFileUrl, join } from "@std/path";
import { Rng } from "../src/base/rng.ts";
import { pairText } from "../src/data/pair_text.ts";
import { readPairs } from "./hh_pairs.ts";

const DATA = fromFileUrl(new URL("../../shared/data/preference", import.meta.url));
const SOURCES = [
  "hh-rlhf-harmless-base-test/test.jsonl.gz",
  "rasbt-llms-from-scratch/instruction-data-with-preference.json",
  "llamafactory/dpo_en_demo.json",
];

/** One word in so many is new: what HH-RLHF's second half has beside its first, roughly. */
const WORDS_A_NEW_ONE = 100;

const BLOCK_ROWS = 2000;

/** Gives the sentences of all sources, each once. */
export async function readSentences(): Promise<string[]> {
  const sentences = new Set<string>();
  for (const name of SOURCES) {
    for await (const { row } of readPairs(join(DATA, name))) {
      for (const part of [row.prompt, row.chosen, row.rejected]) {
        for (const sentence of pairText(part).split(/(?<=[.!?:]\s|\n)/)) sentences.add(sentence);
      }
    }
  }
  return [...sentences].filter((sentence) => /\p{L}/u.test(sentence));
}

/** Writes a JSON Lines file of `rows` pairs, about 700 bytes each; gives its size in bytes. */
export async function writeRows(path: string, rows: number, sentences: string[]): Promise<number> {
  const rng = Rng.fromSeed("bench/text");
  const newWord = () => {
    const letters = () => String.fromCharCode(97 + rng.int(26));
    return Array.from({ length: 4 + rng.int(8) }, letters).join("");
  };
  const text = (size: number) => {
    let made = "";
    while (made.length < size) {
      const sentence = sentences[rng.int(sentences.length)]!;
      const isNew = rng.int(WORDS_A_NEW_ONE) < sentence.length / 6;
      made += isNew ? `${sentence.trimEnd()} ${newWord()} ` : sentence;
    }
    return made;
  };
  using file = await Deno.open(path, { write: true, createNew: true });
  const encoder = new TextEncoder();
  let sizeBytes = 0;
  for (let from = 0; from < rows; from += BLOCK_ROWS) {
    let block = "";
    for (let row = from; row < Math.min(rows, from + BLOCK_ROWS); row++) {
      const prompt = `${row + 1}. ${text(80)}`;
      block += JSON.stringify({ prompt, chosen: text(180), rejected: text(180) }) + "\n";
    }
    const bytes = encoder.encode(block);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    sizeBytes += bytes.length;
  }
  return sizeBytes;
}
