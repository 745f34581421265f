/** Attention and its gradients from the definition, in float64, query by query. */

import type { AttentionSettings } from "../../src/ops/attention/settings.ts";

/** Sizes of the operands: q [N, H, D], k and v [N, K, D]. */
export interface AttentionSizes {
  N: number;
  H: number;
  K: number;
  D: number;
}

/** Whether query i sees key j. */
export type Sees = (query: number, key: number) => boolean;

/** The segments of a pair. */
export type Lengths = [prompt: number, chosen: number, rejected: number];

/** Who sees whom among packed pairs, said token by token; padding sees itself. */
export function seesInPairs(pairs: readonly Lengths[]): Sees {
  const owners = pairs.flatMap((lengths, pair) =>
    lengths.flatMap((length, segment) => new Array(length).fill([pair, segment]))
  ) as [number, number][];
  return (query, key) => {
    if (key >= query) return key === query;
    const [asking, asked] = [owners[query], owners[key]];
    if (!asking || !asked || asking[0] !== asked[0]) return false;
    return asked[1] === 0 || asked[1] === asking[1];
  };
}

/** The same, of the last `window` positions of its sequence alone. */
export function seesWithin(sees: Sees, positions: Int32Array, window: number): Sees {
  return (query, key) => sees(query, key) && positions[query]! - positions[key]! < window;
}

export interface AttentionResults {
  y: Float64Array;
  dQ: Float64Array;
  dK: Float64Array;
  dV: Float64Array;
}

/** The result and, under the cotangent dY, the gradients. */
export function attentionReference(
  { N, H, K, D }: AttentionSizes,
  sees: Sees,
  [q, k, v, dY]: readonly [Float64Array, Float64Array, Float64Array, Float64Array],
  { scale = 1 / Math.sqrt(D), softcap }: Pick<AttentionSettings, "scale" | "softcap"> = {},
): AttentionResults {
  const [y, dQ] = [new Float64Array(q.length), new Float64Array(q.length)];
  const [dK, dV] = [new Float64Array(k.length), new Float64Array(k.length)];
  const cap = (score: number) => softcap ? softcap * Math.tanh(score / softcap) : score;
  const slope = (score: number) => softcap ? 1 - (score / softcap) ** 2 : 1;
  const dot = (a: Float64Array, at: number, b: Float64Array, bt: number): number => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += a[at + d]! * b[bt + d]!;
    return sum;
  };
  const add = (to: Float64Array, at: number, times: number, from: Float64Array, ft: number) => {
    for (let d = 0; d < D; d++) to[at + d]! += times * from[ft + d]!;
  };
  for (let h = 0; h < H; h++) {
    const kvHead = Math.floor(h / (H / K));
    for (let i = 0; i < N; i++) {
      const query = (i * H + h) * D;
      const keys: number[] = [];
      for (let j = 0; j < N; j++) if (sees(i, j)) keys.push((j * K + kvHead) * D);
      const scores = keys.map((key) => cap(scale * dot(q, query, k, key)));
      const top = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const slopes = keys.map((key) => dot(dY, query, v, key));
      const along = slopes.reduce((sum, dP, n) => sum + dP * weights[n]! / total, 0);
      for (const [n, key] of keys.entries()) {
        const p = weights[n]! / total;
        const dS = p * (slopes[n]! - along) * slope(scores[n]!) * scale;
        add(y, query, p, v, key);
        add(dV, key, p, dY, query);
        add(dQ, query, dS, k, key);
        add(dK, key, dS, q, query);
      }
    }
  }
  return { y, dQ, dK, dV };
}
