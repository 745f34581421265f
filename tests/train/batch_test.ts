import { assert, assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import {
  addSizes,
  countTargets,
  type PairBatch,
  type PairTokens,
  trainedTokens,
} from "../../src/train/batch.ts";
import { packedBatch } from "../../src/train/packed_batch.ts";
import { paddedBatch } from "./padded_batch.ts";

const PAIR: PairTokens = {
  id: "p",
  promptIds: [1, 10, 11],
  chosenIds: [20, 21, 2],
  rejectedIds: [30, 2],
};
const THIRD = Math.fround(1 / 3);

/** The targets of each of the batch's figures: row, token and weight. */
function figures({ pairs, rows, targets, shares }: PairBatch): number[][][] {
  const found: number[][][] = Array.from({ length: 3 * pairs.length }, () => []);
  shares.inputs.forEach((target, e) => {
    const weight = shares.weights[e]!;
    if (weight !== 0) found[shares.outputs[e]!]!.push([rows[target]!, targets[target]!, weight]);
  });
  return found;
}

Deno.test("paddedBatch: lays chosen and rejected out, padded to one length", () => {
  const batch = paddedBatch([PAIR, { ...PAIR, id: "q", promptIds: [1] }], "response");
  assert("batchSize" in batch.tokens);
  assertEquals([batch.tokens.batchSize, batch.tokens.length, batch.pairs.length], [4, 16, 2]);
  const row = (i: number) => [...batch.tokens.inputIds.slice(16 * i, 16 * i + 7)];
  assertEquals(row(0), [1, 10, 11, 20, 21, 2, 0]);
  assertEquals(row(1), [1, 20, 21, 2, 0, 0, 0]);
  assertEquals(row(2), [1, 10, 11, 30, 2, 0, 0]);
  assertEquals(batch.sizes, { trained: 18, shared: 0, used: 18, dispatched: 64 });
});

Deno.test("paddedBatch: targets are the tokens after their rows, response only", () => {
  const batch = paddedBatch([PAIR], "response");
  assertEquals(figures(batch), [
    [[2, 20, THIRD], [3, 21, THIRD], [4, 2, THIRD]],
    [[18, 30, 0.5], [19, 2, 0.5]],
    [[2, 20, 1], [3, 21, 1], [4, 2, 1]],
  ]);
  assertEquals(batch.counts, [{ chosen: 3, rejected: 2, nll: 3 }]);
});

Deno.test("paddedBatch: scope all adds the prompt's tokens to the NLL, not to the means", () => {
  const batch = paddedBatch([PAIR], "all");
  const [chosen, , nll] = figures(batch);
  assertEquals(chosen!.map(([, token]) => token), [20, 21, 2]);
  assertEquals(nll!.map(([, token]) => token), [10, 11, 20, 21, 2]);
  assertEquals(batch.counts, [{ chosen: 3, rejected: 2, nll: 5 }]);
});

Deno.test("packedBatch: a pair is prompt, chosen, rejected, last tokens left out", () => {
  const batch = packedBatch([PAIR, { ...PAIR, id: "q", promptIds: [1] }], "response");
  assert("layout" in batch.tokens);
  const { inputIds, layout } = batch.tokens;
  assertEquals([...inputIds], [1, 10, 11, 20, 21, 30, 1, 20, 21, 30, 0, 0, 0, 0, 0, 0]);
  assertEquals([...layout.positions.slice(0, 10)], [0, 1, 2, 3, 4, 3, 0, 1, 2, 1]);
  assertEquals(layout.tokens, 16);
  assertEquals(layout.spans, [{ start: 0, end: 6 }, { start: 6, end: 10 }]);
  assertEquals(batch.sizes, { trained: 18, shared: 4, used: 10, dispatched: 16 });
});

Deno.test("packedBatch: the prompt's last row predicts the first token of both answers", () => {
  const batch = packedBatch([PAIR], "all");
  assertEquals(figures(batch), [
    [[2, 20, THIRD], [3, 21, THIRD], [4, 2, THIRD]],
    [[2, 30, 0.5], [5, 2, 0.5]],
    [[0, 10, 1], [1, 11, 1], [2, 20, 1], [3, 21, 1], [4, 2, 1]],
  ]);
});

Deno.test("packedBatch: pairs with one prompt share it, and each counts it", () => {
  const other = { ...PAIR, id: "other", promptIds: [1, 12] };
  const again = { ...PAIR, id: "again", chosenIds: [40, 2] };
  const batch = packedBatch([PAIR, other, again], "all");
  assert("layout" in batch.tokens);
  assertEquals(
    [...batch.tokens.inputIds.slice(0, 12)],
    [1, 10, 11, 20, 21, 30, 40, 30, 1, 12, 20, 21],
  );
  assertEquals([...batch.tokens.layout.positions.slice(0, 8)], [0, 1, 2, 3, 4, 3, 3, 3]);
  const found = figures(batch);
  assertEquals(found[6], [[0, 10, 1], [1, 11, 1], [2, 20, 1], [3, 21, 1], [4, 2, 1]]);
  assertEquals(found[8], [[0, 10, 1], [1, 11, 1], [2, 40, 1], [6, 2, 1]]);
  assertEquals(batch.pairs.map((pair) => pair.id), ["p", "other", "again"]);
  // Two prompts of 3 for 4 sequences, and one of 2 for 2.
  assertEquals(batch.sizes.shared, 3 * 3 + 2);
});

Deno.test("packedBatch: answers of one token take no rows", () => {
  const batch = packedBatch([{ ...PAIR, chosenIds: [2], rejectedIds: [3] }], "response");
  assertEquals(figures(batch), [[[2, 2, 1]], [[2, 3, 1]], [[2, 2, 1]]]);
  assertEquals(batch.sizes.used, 3);
});

Deno.test("packedBatch and paddedBatch: without a prompt the first token is not scored", () => {
  const pair = { ...PAIR, promptIds: [] };
  assertEquals(countTargets(pair, "response"), { chosen: 2, rejected: 1, nll: 2 });
  const chosen = [[0, 21, 0.5], [1, 2, 0.5]];
  const nll = [[0, 21, 1], [1, 2, 1]];
  assertEquals(figures(packedBatch([pair], "all")), [chosen, [[2, 2, 1]], nll]);
  assertEquals(figures(paddedBatch([pair], "all")), [chosen, [[16, 2, 1]], nll]);
  // Two pairs without prompts have nothing in common.
  assertEquals(packedBatch([pair, pair], "all").sizes.used, 6);
});

Deno.test("packedBatch: rounds the stream up, but not beyond maxTokens", () => {
  const pair = { ...PAIR, chosenIds: new Int32Array(97) };
  const dispatched = (maxTokens?: number) =>
    packedBatch([pair], "response", maxTokens).sizes.dispatched;
  assertEquals(packedBatch([pair], "response").sizes.used, 100);
  assertEquals([dispatched(), dispatched(4096), dispatched(101), dispatched(50)], [
    112,
    112,
    101,
    112,
  ]);
});

Deno.test("countTargets: an answer without a token to score is an error with the pair's id", () => {
  const error = assertThrows(
    () => countTargets({ ...PAIR, rejectedIds: [] }, "all"),
    OddsmithError,
  );
  assertEquals(error.code, "EMPTY_ANSWER");
  assert(error.message.includes('pair "p"') && error.message.includes("rejected"));
});

Deno.test("addSizes: adds micro-batches up", () => {
  assertEquals(trainedTokens(PAIR), 11);
  const batches = [packedBatch([PAIR], "all"), paddedBatch([PAIR], "all")];
  assertEquals(addSizes(batches), { trained: 22, shared: 3, used: 17, dispatched: 48 });
});
