import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Rng } from "../../src/base/rng.ts";
import { bootstrapMean, quantile } from "../../src/train/bootstrap.ts";

const coin = (ones: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => i < ones ? 1 : 0);

Deno.test("bootstrapMean: equal seeds give equal intervals, other seeds others", () => {
  const values = Array.from({ length: 40 }, (_, i) => Math.sin(i));
  const once = bootstrapMean(values, { seed: 7 });
  assertEquals(bootstrapMean(values, { seed: 7 }), once);
  assert(bootstrapMean(values, { seed: 8 }).low !== once.low);
});

Deno.test("bootstrapMean: agrees with the normal approximation of a proportion", () => {
  const { low, high } = bootstrapMean(coin(120, 200), { seed: 1, samples: 4000 });
  const halfWidth = 1.96 * Math.sqrt(0.6 * 0.4 / 200);
  assertAlmostEquals(low, 0.6 - halfWidth, 0.011);
  assertAlmostEquals(high, 0.6 + halfWidth, 0.011);
});

Deno.test("bootstrapMean: covers the true mean about as often as it says", () => {
  const rng = Rng.fromSeed("coverage");
  let covered = 0;
  for (let trial = 0; trial < 200; trial++) {
    const values = Array.from({ length: 60 }, () => rng.next() < 0.7 ? 1 : 0);
    const { low, high } = bootstrapMean(values, { seed: trial, samples: 300 });
    if (low <= 0.7 && 0.7 <= high) covered++;
  }
  assert(covered >= 178 && covered <= 198, `${covered} of 200`);
});

Deno.test("bootstrapMean: a wider level gives a wider interval", () => {
  const narrow = bootstrapMean(coin(30, 50), { seed: 1, level: 0.5 });
  const wide = bootstrapMean(coin(30, 50), { seed: 1, level: 0.99 });
  assert(wide.low < narrow.low && narrow.high < wide.high);
});

Deno.test("bootstrapMean: refuses no values, no samples and impossible levels", () => {
  assertThrows(() => bootstrapMean([], { seed: 1 }), RangeError, "no values");
  assertThrows(() => bootstrapMean([1], { seed: 1, samples: 0 }), RangeError, "samples is 0");
  assertThrows(() => bootstrapMean([1], { seed: 1, level: 1 }), RangeError, "level is 1");
});

Deno.test("quantile: interpolates and reaches both ends", () => {
  assertEquals([0, 0.25, 0.5, 1].map((q) => quantile([1, 2, 4], q)), [1, 1.5, 2, 4]);
});
