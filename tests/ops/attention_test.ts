import { attention } from "../../src/ops/attention/attention.ts";
import type { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { checkOp, randomPlain } from "./check.ts";

/** One [B, T, H, D] result from the definition, head by head and query by query. */
function reference(B: number, T: number, H: number, K: number, D: number) {
  return (q: Float64Array, k: Float64Array, v: Float64Array): Float64Array => {
    const y = new Float64Array(q.length);
    for (let b = 0; b < B; b++) {
      for (let h = 0; h < H; h++) {
        const kv = Math.floor(h / (H / K));
        for (let i = 0; i < T; i++) {
          const query = ((b * T + i) * H + h) * D;
          const scores = Array.from({ length: i + 1 }, (_, j) => {
            const key = ((b * T + j) * K + kv) * D;
            let dot = 0;
            for (let d = 0; d < D; d++) dot += q[query + d]! * k[key + d]!;
            return dot / Math.sqrt(D);
          });
          const top = Math.max(...scores);
          const weights = scores.map((score) => Math.exp(score - top));
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (const [j, weight] of weights.entries()) {
            const value = ((b * T + j) * K + kv) * D;
            for (let d = 0; d < D; d++) y[query + d]! += weight / total * v[value + d]!;
          }
        }
      }
    }
    return y;
  };
}

const op = (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D) => attention(q, k, v);

forEachBackend(
  "attention: value and gradients equal float64; grouped, one head, one key head",
  async () => {
    const cases = [[1, 1, 1, 1, 1], [2, 5, 4, 2, 3], [1, 9, 3, 1, 2], [2, 3, 2, 2, 5], [
      1,
      65,
      1,
      1,
      3,
    ]];
    for (const [B, T, H, K, D] of cases) {
      await checkOp({
        inputs: [
          randomPlain([B!, T!, H!, D!], "q"),
          randomPlain([B!, T!, K!, D!], "k"),
          randomPlain([B!, T!, K!, D!], "v"),
        ],
        op,
        reference: reference(B!, T!, H!, K!, D!),
        samples: 12,
      });
    }
  },
);

forEachBackend("attention: scores of ±200 stay finite", async () => {
  await checkOp({
    inputs: [
      randomPlain([1, 6, 2, 4], "q", 20),
      randomPlain([1, 6, 1, 4], "k", 20),
      randomPlain([1, 6, 1, 4], "v"),
    ],
    op,
    reference: reference(1, 6, 2, 1, 4),
    tolerance: 2e-4,
  });
});

forEachBackend("attention: groups split into chunks give the same", async () => {
  const [B, T, H, K, D] = [5, 6, 4, 2, 3];
  await checkOp({
    inputs: [
      randomPlain([B, T, H, D], "q"),
      randomPlain([B, T, K, D], "k"),
      randomPlain([B, T, K, D], "v"),
    ],
    op: (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D) =>
      attention(q, k, v, {}, 4 * 4 * (H / K) * T * T),
    reference: reference(B, T, H, K, D),
  });
});
