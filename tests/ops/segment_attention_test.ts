import { assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import type { AttentionVariant } from "../../src/ops/attention/programs.ts";
import {
  segmentAttention,
  stockSegmentAttention,
} from "../../src/ops/attention/segment_attention.ts";
import { SegmentLayout } from "../../src/ops/attention/segments.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { attentionReference, type Lengths, seesInPairs } from "./attention_reference.ts";
import {
  check,
  fused,
  layoutOf,
  type Op,
  randomInputs,
  results,
  variants,
} from "./attention_check.ts";
import { assertClose, checkOp } from "./check.ts";

/** One head, whose rows texels do not take; groups of three, whose rows they do. */
const HEADS = [{ H: 1, K: 1, D: 8 }, { H: 12, K: 4, D: 16 }];

/** Large heads, which take long to compile for. */
const LARGE: Readonly<Record<AttentionVariant, number[]>> = { rows: [64, 80], tiles: [64, 128] };

for (const variant of variants) {
  forEachBackend(`segmentAttention: causal sequences equal float64, ${variant}`, async () => {
    const cases = [[1], [63], [65], [257], [1, 2, 40, 1]];
    for (const [i, lengths] of cases.entries()) {
      const N = lengths.reduce((sum, length) => sum + length, 0);
      const pairs = lengths.map((length): Lengths => [length, 0, 0]);
      const sizes = { N, ...HEADS[i % HEADS.length]! };
      await check(fused(variant), SegmentLayout.ofSequences(lengths), sizes, seesInPairs(pairs));
    }
  }, ["webgpu"]);

  forEachBackend(`segmentAttention: packed pairs equal float64, ${variant}`, async () => {
    const cases: Lengths[][] = [
      [[0, 1, 1], [0, 5, 3], [7, 1, 1], [1, 1, 2]],
      [[33, 31, 40], [2, 70, 5]],
    ];
    for (const pairs of cases) {
      for (const heads of HEADS) {
        const layout = layoutOf(pairs);
        await check(
          fused(variant),
          layout,
          { N: layout.tokens, ...heads },
          seesInPairs(pairs),
        );
      }
    }
  }, ["webgpu"]);

  forEachBackend(`segmentAttention: heads of ${LARGE[variant]} values, ${variant}`, async () => {
    for (const D of LARGE[variant]) {
      const pairs: Lengths[] = [[5, 2, 3]];
      const sizes = { N: 10, H: 2, K: 1, D };
      await check(fused(variant), layoutOf(pairs, 10), sizes, seesInPairs(pairs));
    }
  }, ["webgpu"]);

  forEachBackend(`segmentAttention: scores of ±200 stay exact, ${variant}`, async () => {
    const sizes = { N: 40, H: 1, K: 1, D: 8 };
    const inputs = randomInputs(sizes).map((data, i) => i < 2 ? data.map((x) => 10 * x) : data);
    const [q, k, v, dY] = inputs as [Float64Array, Float64Array, Float64Array, Float64Array];
    const expected = attentionReference(sizes, seesInPairs([[40, 0, 0]]), [q, k, v, dY]);
    const layout = SegmentLayout.ofSequences([40]);
    const actual = await results(fused(variant), layout, inputs, sizes);
    for (const [i, values] of [expected.y, expected.dQ, expected.dK, expected.dV].entries()) {
      assertClose(`result ${i}`, actual[i]!, values, 1e-4);
    }
  }, ["webgpu"]);

  forEachBackend(`segmentAttention: gradients equal finite differences, ${variant}`, async () => {
    const sizes = { N: 9, H: 4, K: 2, D: 4 };
    const { N, H, K, D } = sizes;
    const pairs: Lengths[] = [[3, 2, 1], [0, 1, 2]];
    const layout = layoutOf(pairs, N);
    const [q, k, v, dY] = randomInputs(sizes);
    layout.deviceRanges();
    await checkOp({
      inputs: [{ shape: [N, H, D], data: q }, { shape: [N, K, D], data: k }, {
        shape: [N, K, D],
        data: v,
      }],
      op: (q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => fused(variant)(q, k, v, layout),
      reference: (q, k, v) => attentionReference(sizes, seesInPairs(pairs), [q, k, v, dY]).y,
    });
    layout.dispose();
  }, ["webgpu"]);

  forEachBackend(
    `segmentAttention: one prompt for both answers equals a prompt for each, ${variant}`,
    async () => {
      const [prompt, chosen, rejected] = [37, 9, 20];
      const sizes = { N: prompt + chosen + rejected, ...HEADS[1]! };
      const apart = { ...sizes, N: 2 * prompt + chosen + rejected };
      // Row n of the unshared stream is row shared[n] of the shared one.
      const range = (start: number, length: number) => Array.from({ length }, (_, i) => start + i);
      const shared = [
        ...range(0, prompt + chosen),
        ...range(0, prompt),
        ...range(prompt + chosen, rejected),
      ];
      const [q, k, v, dY] = randomInputs(sizes);
      const spread = (x: Float64Array, heads: number): Float64Array => {
        const width = heads * sizes.D;
        const rows = shared.map((row) => x.subarray(row * width, (row + 1) * width));
        return Float64Array.from(rows.flatMap((row) => [...row]));
      };
      // Each prompt's rows get the whole cotangent once: their own in the first sequence alone.
      const dYApart = spread(dY, sizes.H);
      dYApart.fill(
        0,
        (prompt + chosen) * sizes.H * sizes.D,
        (2 * prompt + chosen) * sizes.H * sizes.D,
      );
      const op = fused(variant);
      const packed = await results(
        op,
        layoutOf([[prompt, chosen, rejected]], sizes.N),
        [q, k, v, dY],
        sizes,
      );
      const padded = await results(
        op,
        SegmentLayout.ofSequences([prompt + chosen, prompt + rejected]),
        [spread(q, sizes.H), spread(k, sizes.K), spread(v, sizes.K), dYApart],
        apart,
      );
      const gather = (x: Float32Array, heads: number, sum: boolean): Float64Array => {
        const width = heads * sizes.D;
        const gathered = new Float64Array(sizes.N * width);
        for (const [n, row] of shared.entries()) {
          for (let c = 0; c < width; c++) {
            const value = x[n * width + c]!;
            gathered[row * width + c] = sum ? gathered[row * width + c]! + value : value;
          }
        }
        return gathered;
      };
      assertClose("y", packed[0]!, gather(padded[0]!, sizes.H, false), 1e-5);
      assertClose("dQ", packed[1]!, gather(padded[1]!, sizes.H, true), 1e-5);
      assertClose("dK", packed[2]!, gather(padded[2]!, sizes.K, true), 1e-5);
      assertClose("dV", packed[3]!, gather(padded[3]!, sizes.K, true), 1e-5);
    },
    ["webgpu"],
  );
}

forEachBackend("stockSegmentAttention: value and gradients equal float64", async () => {
  const stock: Op = (q, k, v, layout) => stockSegmentAttention(q, k, v, layout);
  const cases: Lengths[][] = [[[2, 1, 1]], [[4, 3, 1], [0, 2, 2], [0, 1, 1]]];
  for (const pairs of cases) {
    const layout = layoutOf(pairs);
    await check(stock, layout, { N: layout.tokens, H: 4, K: 2, D: 3 }, seesInPairs(pairs));
  }
  const batch = SegmentLayout.ofBatch(2, 5);
  const sees = seesInPairs([[5, 0, 0], [5, 0, 0]]);
  await check(stock, batch, { N: 10, H: 2, K: 1, D: 4 }, sees);
});

forEachBackend("segmentAttention: a head that is no multiple of 4 runs the reference", async () => {
  const layout = layoutOf([[2, 1, 2]], 5);
  const sees = seesInPairs([[2, 1, 2]]);
  await check((q, k, v, layout) => segmentAttention(q, k, v, layout), layout, {
    N: 5,
    H: 2,
    K: 1,
    D: 6,
  }, sees);
}, ["webgpu"]);

forEachBackend(
  "segmentAttention: what a token does not see does not change a bit of it",
  async () => {
    const sizes = { N: 48, H: 2, K: 1, D: 8 };
    const [q, k, v, dY] = randomInputs(sizes);
    const hide = (x: Float64Array) => x.fill(50, 3 * x.length / 4);
    for (const variant of variants) {
      const layout = layoutOf([[20, 6, 10]], 48);
      const clean = await results(fused(variant), layout, [q, k, v, dY], sizes);
      const [q2, k2, v2] = [q, k, v].map((x) => hide(x.slice())) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const dirty = await results(fused(variant), layout, [q2, k2, v2, dY], sizes);
      for (const i of [0, 1, 2, 3]) {
        const kept = 3 * clean[i]!.length / 4;
        assertEquals(dirty[i]!.subarray(0, kept), clean[i]!.subarray(0, kept), `result ${i}`);
      }
    }
  },
  ["webgpu"],
);

forEachBackend("segmentAttention: a span over a CPU driver's loops is refused", ({ adapter }) => {
  if (!adapter?.software) return;
  const N = 33_000;
  const layout = SegmentLayout.ofSequences([N]);
  const [q, k] = [tf.zeros<tf.Rank.R3>([N, 2, 4]), tf.zeros<tf.Rank.R3>([N, 1, 4])];
  const error = assertThrows(() => segmentAttention(q, k, k, layout), OddsmithError);
  assertEquals(error.code, "LIMIT_EXCEEDED");
  assertEquals(error.hint, "lower maxLength");
  tf.dispose([q, k]);
  layout.dispose();
}, ["webgpu"]);
