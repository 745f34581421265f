/** plugins/dedupe: what counts as a near-duplicate, and which of two goes. */

import { assert, assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import dedupe from "../../plugins/dedupe/mod.ts";
import { NearDuplicateIndex, rowsPerBand } from "../../plugins/dedupe/near_duplicates.ts";
import { jaccard, shingles, wordsOf } from "../../plugins/dedupe/shingles.ts";
import { assertStageContract, datasetOf, tryStage } from "../../src/runner/testing.ts";
import { type PreferencePair, Rng } from "../../mod.ts";
import { pairOf } from "./pairs.ts";

type Splits = Parameters<typeof datasetOf<PreferencePair>>[0];

async function dedupeIds(
  splits: Splits,
  config: Parameters<typeof tryStage<typeof dedupe>>[1] = {},
): Promise<{ train: string[]; eval: string[]; record: Record<string, unknown> }> {
  await using trial = await tryStage(dedupe, { ...config, inputs: { pairs: datasetOf(splits) } });
  const pairs = await trial.outputs.pairs.read();
  const ids = async (split: "train" | "eval") =>
    (await Array.fromAsync(pairs.rows(split))).map(({ id }) => id);
  return { train: await ids("train"), eval: await ids("eval"), record: trial.record };
}

const SPLITS: Splits = {
  train: [
    pairOf("first", {}),
    pairOf("shouted", { prompt: "NAME  three primary colours - please!" }),
    pairOf("other", { prompt: "What is the capital of France?", chosen: "Paris." }),
  ],
  eval: [pairOf("held-out", { prompt: "What is the capital of Peru?", chosen: "Lima." })],
};

Deno.test("dedupe: keeps the stage contract", async () => {
  await assertStageContract(dedupe, { inputs: { pairs: datasetOf(SPLITS) } });
});

Deno.test("dedupe: drops what differs in case, punctuation and spacing alone", async () => {
  const { train, eval: evaluation, record } = await dedupeIds(SPLITS, { config: { threshold: 1 } });
  assertEquals(train, ["first", "other"]);
  assertEquals(evaluation, ["held-out"]);
  assertEquals(record, {
    kept: 3,
    dropped: { train: 1, eval: 0 },
    leaked: 0,
    examples: [{ id: "shouted", like: "first", similarity: 1 }],
  });
});

Deno.test("dedupe: a training pair that repeats a held-out one goes, never the held-out one", async () => {
  const { train, eval: evaluation, record } = await dedupeIds({
    train: [
      pairOf("leaked", {}),
      pairOf("fine", { prompt: "Sing!", chosen: "La.", rejected: "No." }),
    ],
    eval: [pairOf("kept", {})],
  });
  assertEquals([train, evaluation, record.leaked], [["fine"], ["kept"], 1]);
});

Deno.test("dedupe: the threshold and what is compared decide", async () => {
  const pairs = {
    train: [pairOf("a", {}), pairOf("b", { chosen: "Red, yellow and blue are those of paint." })],
  };
  assertEquals((await dedupeIds(pairs, { config: { threshold: 0.9 } })).train, ["a", "b"]);
  assertEquals((await dedupeIds(pairs, { config: { threshold: 0.6 } })).train, ["a"]);
  assertEquals((await dedupeIds(pairs, { config: { compare: "prompt" } })).train, ["a"]);
});

Deno.test("dedupe: reads conversations by their words", async () => {
  const turns = (text: string) => [{ role: "user", content: text }];
  const talk = (id: string, prompt: string): PreferencePair => ({
    form: "conversational",
    id,
    source: "test:1",
    prompt: turns(prompt),
    chosen: [{ role: "assistant", content: "Yes, of course I can do that." }],
    rejected: [{ role: "assistant", content: "No." }],
  });
  const { train } = await dedupeIds({
    train: [talk("a", "Can you do it?"), talk("b", "can you DO it")],
  });
  assertEquals(train, ["a"]);
});

Deno.test("wordsOf: splits scripts without spaces by character", () => {
  assertEquals(wordsOf("Ｈello, World's 42!"), ["hello", "world", "s", "42"]);
  assertEquals(wordsOf("abc中文です"), ["abc", "中", "文", "で", "す"]);
});

Deno.test("jaccard: equals the sets' definition", () => {
  const a = shingles("a b c d e".split(" "), 2);
  const b = shingles("b c d e f".split(" "), 2);
  assertAlmostEquals(jaccard(a, b), 3 / 5);
  assertEquals(jaccard(a, a), 1);
  assertEquals(shingles(["one"], 3).length, 1);
});

Deno.test("NearDuplicateIndex: finds 99% of what is at the threshold, and nothing below it", () => {
  const rng = Rng.fromSeed("near-duplicates");
  for (const threshold of [0.5, 0.8, 0.95]) {
    let found = 0;
    for (let trial = 0; trial < 200; trial++) {
      const shared = Math.round(200 * 2 * threshold / (1 + threshold));
      const words = Array.from({ length: 400 }, () => rng.uint32());
      const set = (from: number) =>
        Uint32Array.from([...words.slice(0, shared), ...words.slice(from, from + 200 - shared)])
          .sort();
      const [a, b] = [set(200), set(300)];
      const index = new NearDuplicateIndex(Math.min(threshold, jaccard(a, b)));
      assertEquals(index.findOrAdd("a", a), undefined);
      if (index.findOrAdd("b", b)) found++;
      const strict = new NearDuplicateIndex(jaccard(a, b) + 0.01);
      strict.findOrAdd("a", a);
      assert(strict.findOrAdd("b", b) === undefined);
    }
    assertGreater(found, 193, `threshold ${threshold}`);
  }
  assertEquals([0.5, 0.8, 1].map(rowsPerBand), [2, 4, 128]);
});
