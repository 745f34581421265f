/** Where words end: our scanner against the regular expression it stands in for. */

import { assertEquals } from "@std/assert";
import { byteLevelWordEnd, metaspaceWordEnd, type WordEnd } from "../../src/text/word_ends.ts";
import { drawnString, draws } from "./drawn_strings.ts";

/** GPT-2's, with Unicode's white space. */
const BYTE_LEVEL =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

function wordsBy(wordEnd: WordEnd, text: string): string[] {
  const words: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = wordEnd(text, start);
    words.push(text.slice(start, end));
    start = end;
  }
  return words;
}

function check(text: string): void {
  assertEquals(wordsBy(byteLevelWordEnd, text), text.match(BYTE_LEVEL) ?? [], JSON.stringify(text));
}

Deno.test("byteLevelWordEnd: equals GPT-2's expression on every code unit, alone and between others", () => {
  for (let unit = 0; unit < 0x10000; unit++) {
    const one = String.fromCharCode(unit);
    const text = `a${one}1 ${one}${one}\n${one}.${one}`;
    const words = wordsBy(byteLevelWordEnd, text);
    const expected = text.match(BYTE_LEVEL)!;
    if (words.join("|") !== expected.join("|")) assertEquals(words, expected, unit.toString(16));
  }
});

Deno.test("byteLevelWordEnd: equals GPT-2's expression on drawn strings", () => {
  const below = draws(3);
  for (let number = 0; number < 6000; number++) check(drawnString(number, below));
  const pieces = [
    "'",
    "s",
    "re",
    "r",
    "l",
    "ll",
    " ",
    "\n",
    "\u0085",
    "\ud83d",
    "\ude00",
    "1",
    ".",
  ];
  for (let number = 0; number < 4000; number++) {
    check(Array.from({ length: 8 }, () => pieces[below(pieces.length)]).join(""));
  }
});

Deno.test("metaspaceWordEnd: words begin with all their metaspaces", () => {
  assertEquals(wordsBy(metaspaceWordEnd, "▁▁the▁end▁"), ["▁▁the", "▁end", "▁"]);
  assertEquals(wordsBy(metaspaceWordEnd, "the"), ["the"]);
});
