import { assert, assertEquals, assertLess } from "@std/assert";
import { Rng } from "../../src/base/rng.ts";
import type { PairTokens } from "../../src/train/batch.ts";
import { cutPairs, rowsOf } from "../../src/train/packing.ts";
import { planWindow } from "../../src/train/window_plan.ts";

function drawPairs(count: number, seed: string, longest: number): PairTokens[] {
  const rng = Rng.fromSeed(seed);
  const ids = (most: number) =>
    Int32Array.from({ length: 1 + rng.int(most) }, () => rng.int(1 << 20));
  return Array.from({ length: count }, (_, i) => ({
    id: `${i}`,
    promptIds: ids(longest),
    chosenIds: ids(longest),
    rejectedIds: ids(longest),
  }));
}

const idsOf = (batches: readonly PairTokens[][]) =>
  batches.flat().map((pair) => pair.id).sort((a, b) => Number(a) - Number(b));

Deno.test("cutPairs: every pair once, within both limits, in as few batches as there can be", () => {
  for (let n = 1; n <= 40; n++) {
    const pairs = drawPairs(n, `window ${n}`, 100);
    const limits = { pairs: 8, tokens: 1024 };
    const batches = cutPairs(pairs, limits);
    assertEquals(idsOf(batches), pairs.map((pair) => pair.id));
    const fewest = Math.max(
      Math.ceil(n / limits.pairs),
      Math.ceil(rowsOf(pairs) / limits.tokens),
    );
    assert(batches.length <= fewest + 1, `${n} pairs: ${batches.length}, ${fewest} would do`);
    for (const batch of batches) {
      assert(batch.length <= limits.pairs && rowsOf(batch) <= limits.tokens);
    }
  }
});

Deno.test("cutPairs: batches are of like length", () => {
  const batches = cutPairs(drawPairs(64, "even", 300), { pairs: 8, tokens: 1e6 });
  const rows = batches.map(rowsOf);
  assertEquals(batches.length, 8);
  assertLess(Math.max(...rows) - Math.min(...rows), 0.1 * Math.max(...rows));
});

Deno.test("cutPairs: a pair beyond the limit goes alone", () => {
  const [long, ...short] = drawPairs(5, "long", 20);
  const longer = { ...long!, chosenIds: new Int32Array(500) };
  const batches = cutPairs([...short, longer], { pairs: 4, tokens: 200 });
  assertEquals(batches.find((batch) => batch.includes(longer))!.length, 1);
  assertEquals(batches.flat().length, 5);
});

Deno.test("cutPairs: pairs on one prompt stay together, and count it once", () => {
  const [pair, ...others] = drawPairs(9, "prompts", 60);
  const twin = { ...pair!, id: "twin" };
  const batches = cutPairs([pair!, ...others, twin], { pairs: 4, tokens: 1e6 });
  assert(batches.find((batch) => batch.includes(pair!))!.includes(twin));
  assertEquals(
    rowsOf([pair!, twin]),
    2 * rowsOf([pair!]) - pair!.promptIds.length,
  );
  const many = Array.from({ length: 10 }, (_, i) => ({ ...pair!, id: `${i}` }));
  assertEquals(cutPairs(many, { pairs: 4, tokens: 1e6 }).map((batch) => batch.length).sort(), [
    2,
    4,
    4,
  ]);
});

Deno.test("planWindow: the same window is laid out the same way", () => {
  const pairs = drawPairs(20, "again", 50);
  const plan = () => planWindow(pairs, "all", { pairs: 8, tokens: 700 });
  const [a, b] = [plan(), plan()];
  assert(a.batches.length > 1);
  assertEquals(a.batches.map((batch) => batch.tokens), b.batches.map((batch) => batch.tokens));
  assertEquals(a.counts, b.counts);
  assertEquals(a.counts.pairs, 20);
  for (const { sizes } of a.batches) {
    assert(sizes.dispatched <= 700 && sizes.used > 0.8 * sizes.dispatched);
  }
});
