/** Counts over encoded pairs. */

import { assertEquals } from "@std/assert";
import type { EncodedPair } from "../../src/text/encode_pair.ts";
import { LengthStatistics } from "../../src/text/length_statistics.ts";

function encoded(prompt: number, chosen: number, rejected: number): EncodedPair {
  const ids = (count: number) => Array.from({ length: count }, (_, at) => at);
  return {
    pair: {
      id: "",
      source: "",
      promptIds: ids(prompt),
      chosenIds: ids(chosen),
      rejectedIds: ids(rejected),
    },
    notes: {
      boundaryMoved: prompt === 2 ? 1 : 0,
      promptTruncated: prompt === 1,
      chosenTruncated: false,
      rejectedTruncated: rejected === 9,
    },
  };
}

Deno.test("LengthStatistics: lengths, drops, cuts and length bias, by hand", () => {
  const statistics = new LengthStatistics();
  for (const pair of [encoded(1, 4, 2), encoded(2, 6, 9), encoded(3, 5, 5), encoded(6, 9, 4)]) {
    statistics.add(pair);
  }
  statistics.add({ dropped: "overlong" });
  statistics.add({ dropped: "overlong" });
  assertEquals(statistics.toJson(), {
    kept: 4,
    dropped: { overlong: 2 },
    tokens: 56,
    boundaryMoved: 1,
    truncated: { prompt: 1, chosen: 0, rejected: 1 },
    lengths: {
      prompt: { mean: 3, median: 2, p95: 6, max: 6 },
      chosen: { mean: 6, median: 5, p95: 9, max: 9 },
      rejected: { mean: 5, median: 4, p95: 9, max: 9 },
      pair: { mean: 9.75, median: 8, p95: 15, max: 15 },
    },
    lengthBias: {
      meanDifference: 1,
      medianDifference: 0,
      chosenLonger: 0.5,
      rejectedLonger: 0.25,
    },
  });
  assertEquals(
    statistics.summary(),
    "4 pairs kept; left out: overlong 2; cut: prompt 1, rejected 1; median tokens: prompt 2, chosen 5, rejected 4; " +
      "chosen against rejected +1.0 on average",
  );
});

Deno.test("LengthStatistics: p95 leaves the longest twentieth out", () => {
  const statistics = new LengthStatistics();
  for (let length = 1; length <= 100; length++) statistics.add(encoded(length, 1, 1));
  const { lengths } = statistics.toJson() as { lengths: { prompt: unknown } };
  assertEquals(lengths.prompt, { mean: 50.5, median: 50, p95: 95, max: 100 });
});

Deno.test("LengthStatistics: nothing counted gives zeros", () => {
  const { lengths, kept } = new LengthStatistics().toJson() as Record<string, unknown>;
  const zeros = { mean: 0, median: 0, p95: 0, max: 0 };
  assertEquals([kept, lengths], [
    0,
    { prompt: zeros, chosen: zeros, rejected: zeros, pair: zeros },
  ]);
});
