import { assertEquals } from "@std/assert";
import { commonPrefixLength } from "../../src/data/common_prefix.ts";

const CASES: [what: string, chosen: string, rejected: string, prompt: string][] = [
  [
    "the space goes with the answers",
    "It is better than ugly.",
    "It is better than the moon.",
    "It is better than",
  ],
  ["a shared start of two words is theirs", "It is implicit", "It is impossible", "It is"],
  ["a shared start of numbers is theirs", "The sum is 112", "The sum is 118", "The sum is"],
  ["an apostrophe does not end a word", "They weren't", "They weren’t", "They"],
  ["after a line feed", "Q: why?\nA: yes", "Q: why?\nA: no", "Q: why?\nA:"],
  ["after an opening quote", 'He said "yes"', 'He said "no"', 'He said "'],
  ["one text begins with the other: a word stays", "Why? Because", "Why? Because so", "Why?"],
  ["nothing shared", "Yes", "No", ""],
  ["a lone shared word is no prompt", "Yes", "Yes indeed", ""],
  ["no spaces between words: any place", "你好世界", "你好朋友", "你好"],
  ["a surrogate pair stays whole", "so 😀", "so 😁", "so"],
  ["a pair after letters", "a𝒳 b", "a𝒴 b", ""],
  ["a combining mark stays with its letter", "cafe\u0301 x", "cafe\u0300 x", ""],
];

for (const [what, chosen, rejected, prompt] of CASES) {
  Deno.test(`commonPrefixLength: ${what}`, () => {
    assertEquals(chosen.slice(0, commonPrefixLength(chosen, rejected)), prompt);
    assertEquals(chosen.slice(0, commonPrefixLength(rejected, chosen)), prompt);
  });
}
