/** The stage "tokenize": what it stores, what it counts, when it stops. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import {
  assertStageContract,
  datasetOf,
  resolveConfig,
  tryStage,
} from "../../src/runner/testing.ts";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import type { TemplatedPair } from "../../src/text/pair.ts";
import { tokenize } from "../../stages/tokenize.ts";

function pair(id: string, prompt: string, chosen: string, rejected: string): TemplatedPair {
  return { id, source: `pairs.jsonl:${id}`, prompt, chosen, rejected, templated: false };
}

async function model(dir: string): Promise<void> {
  for (const [name, text] of Object.entries(byteTokenizerFiles())) {
    await Deno.writeTextFile(join(dir, name), text);
  }
  await Deno.writeTextFile(join(dir, "config.json"), '{"max_position_embeddings": 16}');
}

const train = [
  pair("1", "q", "yes", "no"),
  pair("2", "q", "a".repeat(40), "b"),
  pair("3", "q", "same", "same"),
];
const inputs = { pairs: datasetOf({ train, eval: [pair("4", "q", "a", "bb")] }), model };

Deno.test("tokenize: keeps the stage contract", async () => {
  await assertStageContract(tokenize, { inputs, config: { maxLength: 12 } });
});

Deno.test("tokenize: stores ids by split, and counts in data set and record", async () => {
  await using trial = await tryStage(tokenize, { inputs });
  const pairs = await trial.outputs.pairs.read();
  assertEquals(pairs.counts, { train: 1, eval: 1 });
  assertEquals(await Array.fromAsync(pairs.rows("train")), [{
    id: "1",
    source: "pairs.jsonl:1",
    promptIds: [256, 113],
    chosenIds: [121, 101, 115, 257],
    rejectedIds: [110, 111, 257],
  }]);
  const { maxLength, kept, dropped } = pairs.stats;
  assertEquals({ maxLength, kept, dropped }, {
    maxLength: 16,
    kept: 2,
    dropped: { overlong: 1, "identical-answers": 1 },
  });
  const { tokensPerSecond, ...counted } = trial.record;
  assertEquals(counted, pairs.stats);
  assertEquals(typeof tokensPerSecond, "number");
  assertEquals(trial.progress.at(-1), { unit: "pairs", done: 4, total: 4 });
});

Deno.test("tokenize: every training pair dropped is an error that says why", async () => {
  const all = { pairs: datasetOf({ train: train.slice(1), eval: [train[0]!] }), model };
  const error = await assertRejects(() => tryStage(tokenize, { inputs: all }), OddsmithError);
  assertEquals(error.code, "ALL_DROPPED");
  assertStringIncludes(error.message, "overlong 1, identical-answers 1");
  assertStringIncludes(error.hint!, "raise maxLength");
  const none = { pairs: datasetOf<TemplatedPair>({}), model };
  const empty = await assertRejects(() => tryStage(tokenize, { inputs: none }), OddsmithError);
  assertStringIncludes(empty.message, "the training split has no pairs");
});

Deno.test("tokenize: a maxLength that is too small or too large is refused", async () => {
  await assertRejects(() => resolveConfig(tokenize, { maxLength: 3 }), Error, "4 or more");
  const error = await assertRejects(
    () => tryStage(tokenize, { inputs, config: { maxLength: 17 } }),
    OddsmithError,
  );
  assertEquals(error.code, "MAX_LENGTH");
});
