/** Windows, soft caps and scales of attention, in every implementation. */

import { assertEquals } from "@std/assert";
import type { AttentionSettings } from "../../src/ops/attention/settings.ts";
import { cachedAttention } from "../../src/ops/attention/cached_attention.ts";
import { stockSegmentAttention } from "../../src/ops/attention/segment_attention.ts";
import { RANGE_SIZE } from "../../src/ops/attention/segments.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { check, fused, layoutOf, type Op, variants } from "./attention_check.ts";
import {
  attentionReference,
  type AttentionSizes,
  type Lengths,
  seesInPairs,
  seesWithin,
} from "./attention_reference.ts";
import { assertClose, checkOp, randomPlain } from "./check.ts";

const SETTINGS: AttentionSettings[] = [
  { window: 2 },
  { window: 7 },
  { window: 36, softcap: 1.5, scale: 0.4 },
];

async function checkPairs(
  op: Op,
  pairs: readonly Lengths[],
  heads: Omit<AttentionSizes, "N">,
  settings: AttentionSettings,
): Promise<void> {
  const layout = layoutOf(pairs);
  const sees = seesWithin(seesInPairs(pairs), layout.positions, settings.window ?? Infinity);
  await check(op, layout, { N: layout.tokens, ...heads }, sees, settings);
}

for (const variant of variants) {
  forEachBackend(
    `segmentAttention: windows, caps and scales equal float64, ${variant}`,
    async () => {
      const cases: Lengths[][] = [[[0, 5, 3], [9, 1, 4]], [[33, 31, 40], [2, 70, 5], [65, 0, 0]]];
      for (const settings of SETTINGS) {
        for (const pairs of cases) {
          await checkPairs(fused(variant, settings), pairs, { H: 4, K: 2, D: 8 }, settings);
        }
      }
    },
    ["webgpu"],
  );

  forEachBackend(
    `segmentAttention: capped in a window, gradients equal finite differences, ${variant}`,
    () => checkDifferences(fused(variant, CAPPED)),
    ["webgpu"],
  );
}

forEachBackend("stockSegmentAttention: windows, caps and scales equal float64", async () => {
  for (const settings of SETTINGS) {
    const stock: Op = (q, k, v, layout) => stockSegmentAttention(q, k, v, layout, settings);
    await checkPairs(stock, [[4, 3, 9], [0, 2, 12]], { H: 4, K: 2, D: 3 }, settings);
    await checkPairs(stock, [[16, 0, 0], [16, 0, 0]], { H: 2, K: 1, D: 4 }, settings);
  }
});

forEachBackend(
  "stockSegmentAttention: capped in a window, gradients equal finite differences",
  () => checkDifferences((q, k, v, layout) => stockSegmentAttention(q, k, v, layout, CAPPED)),
);

const CAPPED: AttentionSettings = { window: 3, softcap: 0.8, scale: 0.9 };

async function checkDifferences(op: Op): Promise<void> {
  const [H, K, D] = [4, 2, 4];
  const pairs: Lengths[] = [[4, 3, 2], [0, 1, 2]];
  const layout = layoutOf(pairs);
  const N = layout.tokens;
  const sees = seesWithin(seesInPairs(pairs), layout.positions, CAPPED.window!);
  layout.deviceRanges(CAPPED.window);
  await checkOp({
    inputs: [randomPlain([N, H, D], "q"), randomPlain([N, K, D], "k"), randomPlain([N, K, D], "v")],
    op: (q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => op(q, k, v, layout),
    reference: (q, k, v) =>
      attentionReference({ N, H, K, D }, sees, [q, k, v, new Float64Array(q.length)], CAPPED).y,
  });
  layout.dispose();
}

Deno.test("SegmentLayout.rangesWithin: holds exactly the last positions of each sequence", () => {
  const pairs: Lengths[] = [[6, 4, 5], [0, 3, 2], [9, 0, 0]];
  const layout = layoutOf(pairs);
  for (let window = 1; window < 12; window++) {
    const ranges = layout.rangesWithin(window);
    const sees = seesWithin(seesInPairs(pairs), layout.positions, window);
    for (let query = 0; query < layout.tokens; query++) {
      const [promptStart, promptEnd, ownStart] = ranges.subarray(RANGE_SIZE * query);
      for (let key = 0; key < layout.tokens; key++) {
        const within = key >= promptStart! && key < promptEnd! || key >= ownStart! && key <= query;
        assertEquals(within, sees(query, key), `window ${window}, query ${query}, key ${key}`);
        const seenEnd = ranges[RANGE_SIZE * key + 3]!;
        if (within) assertEquals(query >= key && query < seenEnd, true, `key ${key}'s end`);
      }
    }
  }
});

forEachBackend("cachedAttention: windows, caps and scales equal the whole sequence's", async () => {
  const [T, H, K, D] = [9, 4, 2, 4];
  const [q, k, v] = [H, K, K].map((heads, i) => randomPlain([T, heads, D], `${i}`).data);
  for (const settings of SETTINGS) {
    const sees = seesWithin(
      (i, j) => j <= i,
      Int32Array.from({ length: T }, (_, i) => i),
      settings.window ?? Infinity,
    );
    const { y } = attentionReference({ N: T, H, K, D }, sees, [q!, k!, v!, q!], settings);
    // The last query alone, and the last three at once.
    for (const queries of [1, 3]) {
      const actual = tf.tidy(() => {
        const cache = (x: Float64Array) =>
          tf.transpose(tf.tensor4d(Float32Array.from(x), [1, T, K, D]), [
            0,
            2,
            1,
            3,
          ]) as tf.Tensor4D;
        const rows = Float32Array.from(q!.subarray((T - queries) * H * D));
        const positions = Int32Array.from({ length: queries }, (_, i) => T - queries + i);
        const last = tf.tensor4d(rows, [1, queries, H, D]);
        return cachedAttention(last, cache(k!), cache(v!), positions, settings);
      });
      assertClose("y", await takeFloats(actual), y.subarray((T - queries) * H * D), 1e-5);
    }
  }
});
