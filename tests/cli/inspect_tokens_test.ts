/** inspect on tokenized pairs: a row as its tokens, and which part of the loss scores each. */

import { assertEquals, assertMatch } from "@std/assert";
import { Workplace } from "./program.ts";

const ROW = { prompt: "Hi", chosen: "Hello.", rejected: "No." };
const INIT = { hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 64 };

Deno.test("inspect: shows a row's tokens with what NLL and odds ratio score", async () => {
  await using place = await Workplace.make();
  await Deno.writeTextFile(`${place.dir}/pairs.jsonl`, JSON.stringify(ROW));
  const pipeline = {
    name: "tokens",
    stages: [
      { uses: "model", with: { init: INIT } },
      { uses: "ingest", with: { source: "pairs.jsonl", evalFraction: 0 } },
      { uses: "template", with: { template: "none" } },
      { uses: "tokenize" },
    ],
  };
  await Deno.writeTextFile(`${place.dir}/tokens.json`, JSON.stringify(pipeline));
  const ran = await place.run("run", "tokens.json");
  assertEquals(ran.code, 0, ran.stderr);

  const scored = async (...words: string[]) => {
    const { stdout } = await place.run("inspect", "latest", "tokenize.pairs", "--row=1", ...words);
    assertMatch(stdout, /segment +NLL +odds ratio/);
    const rows = stdout.split("\n").filter((line) => /"." +(prompt|chosen|rejected)/.test(line));
    return rows.map((line) => line.trim().replace(/^\d+ +\d+ +/, "").replaceAll(/ {2,}/g, " "));
  };
  assertEquals((await scored()).slice(0, 3), [
    '"H" prompt scored',
    '"i" prompt scored',
    '"H" chosen scored scored',
  ]);
  assertEquals((await scored("--nll-scope=response")).slice(0, 3), [
    '"H" prompt',
    '"i" prompt',
    '"H" chosen scored scored',
  ]);
  assertEquals((await scored()).at(-1), '"." rejected scored');
});
