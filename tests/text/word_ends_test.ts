/** Where words end: our scanner against the regular expression it stands in for. */

import { assertEquals } from "@std/assert";
import {
  byteLevelWordEnd,
  type DigitSplit,
  metaspaceWordEnd,
  type WordEnd,
} from "../../src/text/word_ends.ts";
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

/** What sets numbers apart first; the expression is used on each piece. */
const PIECES: Record<DigitSplit, RegExp> = {
  no: /[^]+/g,
  each: /\P{N}+|\p{N}/gu,
  runs: /\P{N}+|\p{N}+/gu,
};

const RULES = (["no", "each", "runs"] as const).map((digits) => {
  const wordEnd = byteLevelWordEnd(digits);
  return {
    words: (text: string) => wordsBy(wordEnd, text),
    expected: (text: string) =>
      (text.match(PIECES[digits]) ?? []).flatMap((piece) => piece.match(BYTE_LEVEL) ?? []),
  };
});

function check(text: string): void {
  for (const { words, expected } of RULES) {
    const [ours, theirs] = [words(text), expected(text)];
    if (ours.join("|") !== theirs.join("|")) assertEquals(ours, theirs, JSON.stringify(text));
  }
}

Deno.test("byteLevelWordEnd: equals GPT-2's expression on every code unit, alone and between others", () => {
  for (let unit = 0; unit < 0x10000; unit++) {
    const one = String.fromCharCode(unit);
    check(`a${one}1 ${one}${one}\n${one}.${one}`);
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
