import { assert, assertEquals, assertRejects } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import type { PairTokens } from "../../src/train/batch.ts";
import { PairStore } from "../../src/train/pair_store.ts";

const LIMITS = { vocabSize: 100, maxPositionEmbeddings: 64 };

function pair(n: number, extra: Partial<PairTokens> = {}): PairTokens {
  const ids = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  return {
    id: `pair-${n}`,
    promptIds: ids(1, n % 5),
    chosenIds: ids(10, 2 + n % 7),
    rejectedIds: ids(40, 2 + n % 3),
    ...extra,
  };
}

Deno.test("PairStore: gives back what it read, past its first buffer", async () => {
  const pairs = Array.from({ length: 900 }, (_, n) => pair(n));
  const store = await PairStore.load(pairs, LIMITS);
  assertEquals(store.size, 900);
  for (const [i, got] of [...store].entries()) {
    assertEquals(got.id, pairs[i]!.id);
    assertEquals([...Array.from(got.promptIds)], pairs[i]!.promptIds);
    assertEquals([...Array.from(got.chosenIds)], pairs[i]!.chosenIds);
    assertEquals([...Array.from(got.rejectedIds)], pairs[i]!.rejectedIds);
  }
});

const refused: [string, Partial<PairTokens>, string, RegExp][] = [
  ["an id beyond the vocabulary", { chosenIds: [5, 100] }, "VOCAB_TOO_SMALL", /100.*ends at 99/],
  ["a pair longer than the positions", { rejectedIds: new Int32Array(65) }, "PAIR_TOO_LONG", /64/],
  ["an empty answer", { chosenIds: [] }, "EMPTY_ANSWER", /chosen/],
];

for (const [what, extra, code, message] of refused) {
  Deno.test(`PairStore: refuses ${what}, naming the pair`, async () => {
    const error = await assertRejects(
      () => PairStore.load([pair(1), pair(2, extra)], LIMITS),
      OddsmithError,
    );
    assertEquals(error.code, code);
    assert(error.message.includes('"pair-2"') && message.test(error.message), error.message);
  });
}
