import { assert, assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { countTargets, makeBatch, type PairTokens } from "../../src/train/batch.ts";

const PAIR: PairTokens = {
  id: "p",
  promptIds: [1, 10, 11],
  chosenIds: [20, 21, 2],
  rejectedIds: [30, 2],
};

Deno.test("makeBatch: lays chosen and rejected out, padded to one length", () => {
  const batch = makeBatch([PAIR, { ...PAIR, id: "q", promptIds: [1] }], "response");
  assertEquals([batch.batchSize, batch.length, batch.pairCount], [4, 16, 2]);
  const row = (i: number) => [...batch.inputIds.slice(16 * i, 16 * i + 7)];
  assertEquals(row(0), [1, 10, 11, 20, 21, 2, 0]);
  assertEquals(row(1), [1, 20, 21, 2, 0, 0, 0]);
  assertEquals(row(2), [1, 10, 11, 30, 2, 0, 0]);
  assertEquals(batch.tokenCount, 6 + 4 + 5 + 3);
});

Deno.test("makeBatch: targets are the tokens after their rows, response only", () => {
  const batch = makeBatch([PAIR], "response");
  const M = batch.targets.length;
  assertEquals([...batch.rows.slice(0, 6)], [2, 3, 4, 18, 19, 0]);
  assertEquals([...batch.targets.slice(0, 6)], [20, 21, 2, 30, 2, 0]);
  const output = (i: number) => [...batch.reduction.slice(i * M, i * M + 6)];
  const third = Math.fround(1 / 3);
  assertEquals(output(0), [third, third, third, 0, 0, 0]);
  assertEquals(output(1), [0, 0, 0, 0.5, 0.5, 0]);
  assertEquals(output(2), [1, 1, 1, 0, 0, 0]);
  assertEquals(batch.counts, [{ chosen: 3, rejected: 2, nll: 3 }]);
});

Deno.test("makeBatch: scope all adds the prompt's tokens to the NLL, not to the means", () => {
  const batch = makeBatch([PAIR], "all");
  const M = batch.targets.length;
  assertEquals([...batch.targets.slice(0, 7)], [10, 11, 20, 21, 2, 30, 2]);
  const output = (i: number) => [...batch.reduction.slice(i * M, i * M + 7)].map((w) => w > 0);
  assertEquals(output(0), [false, false, true, true, true, false, false]);
  assertEquals(output(2), [true, true, true, true, true, false, false]);
  assertEquals(batch.counts, [{ chosen: 3, rejected: 2, nll: 5 }]);
});

Deno.test("makeBatch: without a prompt the first token is not scored", () => {
  const pair = { ...PAIR, promptIds: [] };
  assertEquals(countTargets(pair, "response"), { chosen: 2, rejected: 1, nll: 2 });
  const batch = makeBatch([pair], "all");
  assertEquals([...batch.targets.slice(0, 4)], [21, 2, 2, 0]);
});

Deno.test("makeBatch: lengths fall into few classes, never beyond the model's positions", () => {
  const lengths = new Set<number>();
  for (let n = 1; n <= 500; n++) {
    const pair = { ...PAIR, chosenIds: new Int32Array(n) };
    const batch = makeBatch([pair], "response", 510);
    assert(batch.length >= n + 3 && batch.length <= 510);
    lengths.add(batch.length);
  }
  assert(lengths.size < 40);
});

Deno.test("countTargets: an answer without a token to score is an error with the pair's id", () => {
  const error = assertThrows(
    () => countTargets({ ...PAIR, rejectedIds: [] }, "all"),
    OddsmithError,
  );
  assertEquals(error.code, "EMPTY_ANSWER");
  assert(error.message.includes('pair "p"') && error.message.includes("rejected"));
});
