/** The memory of words: exact, bounded, and right after it forgot. */

import { assertEquals } from "@std/assert";
import { LONGEST_WORD, WordMemory } from "../../src/text/word_memory.ts";

function recalled(memory: WordMemory, word: string): number[] | undefined {
  const ids: number[] = [];
  // In the middle of a text, as words are.
  const known = memory.recall(`<${word}>`, 1, 1 + word.length, ids);
  return known ? ids : undefined;
}

function idsOf(number: number): number[] {
  return Array.from({ length: number % 4 }, (_, at) => number + at);
}

Deno.test("WordMemory: gives back what was kept, and nothing for other words", () => {
  const memory = new WordMemory();
  const words = [
    "",
    "a",
    "b",
    "ab",
    "ba",
    "é",
    "\u2581the",
    "😀",
    "\ud83d",
    "x".repeat(LONGEST_WORD),
  ];
  words.forEach((word, number) => memory.keep(word, 0, word.length, idsOf(number)));
  words.forEach((word, number) => assertEquals(recalled(memory, word), idsOf(number)));
  for (const word of ["c", "aa", "x".repeat(LONGEST_WORD - 1)]) {
    assertEquals(recalled(memory, word), undefined);
  }
});

Deno.test("WordMemory: words that are too long, or of too many ids, are not kept", () => {
  const memory = new WordMemory();
  const long = "x".repeat(LONGEST_WORD + 1);
  memory.keep(long, 0, long.length, [1]);
  memory.keep("y", 0, 1, Array.from({ length: LONGEST_WORD + 1 }, () => 1));
  assertEquals([recalled(memory, long), recalled(memory, "y")], [undefined, undefined]);
});

Deno.test("WordMemory: 200,000 words pass through; those it knows are right, the last ones are known", () => {
  const memory = new WordMemory();
  const count = 200_000;
  for (let number = 0; number < count; number++) {
    const word = `w${number}`;
    memory.keep(word, 0, word.length, idsOf(number));
  }
  let known = 0;
  for (let number = 0; number < count; number++) {
    const ids = recalled(memory, `w${number}`);
    if (ids === undefined) continue;
    known++;
    if (ids.join() !== idsOf(number).join()) assertEquals(ids, idsOf(number));
  }
  assertEquals(recalled(memory, `w${count - 1}`), idsOf(count - 1));
  assertEquals(known > 0 && known <= 65_536, true);
});
