/** The table of a pair's tokens. */

import { assertEquals } from "@std/assert";
import { renderTokenizedPair } from "../../src/text/inspect.ts";
import { byteTokenizer } from "./tokenizer_sources.ts";

const pair = {
  id: "7f",
  source: "pairs.jsonl:2",
  promptIds: [256, 113],
  chosenIds: [97, 257],
  rejectedIds: [10],
};

Deno.test("renderTokenizedPair: marks what the NLL and what the odds ratio score", async () => {
  assertEquals(
    renderTokenizedPair(pair, await byteTokenizer(), { nllScope: "response" }),
    `pair 7f (pairs.jsonl:2)
position   id  token      segment   NLL     odds ratio
       0  256  "<|bos|>"  prompt
       1  113  "q"        prompt
       2   97  "a"        chosen    scored  scored
       3  257  "<|eos|>"  chosen    scored  scored
       2   10  "Ċ"        rejected          scored
`,
  );
});

Deno.test("renderTokenizedPair: nllScope all scores the prompt but for its first token", async () => {
  const table = renderTokenizedPair(pair, await byteTokenizer(), { nllScope: "all" });
  assertEquals(
    table.split("\n").slice(2, 7).map((line) => (line.match(/scored/g) ?? []).length),
    [0, 1, 2, 2, 1],
  );
});
