/**
 * segmentAttention: attention over the segments of a packed stream (segments.ts), with grouped
 * key/value heads
 *
 *     q [N, H, D]   k, v [N, K, D]   G = H / K query heads share a key/value head   y [N, H, D]
 *     S = q kᵀ / √D   P = softmax of S over the keys that the query sees   y = P v
 *     with a soft cap c, S = c tanh(q kᵀ / (√D c)), and dS is followed by 1 - (S / c)²
 *     L = log2 Σ 2^(S log2 e)   δ = y · dY      both [N, H]
 *     dV = Pᵀ dY   dP = dY vᵀ   dS = P ⊙ (dP - δ)   dQ = dS k / √D   dK = dSᵀ q / √D
 *
 * Saves q, k, v, y and L: no [N, N] is kept or made. One program forward, with a running maximum
 * and sum (Milakov & Gimelshein 2018; Dao et al. 2022); backward one for dQ, one for dK and dV,
 * both from P recomputed, so that every sum has one owner and one order, and results repeat bit by
 * bit. What a token does not see does not touch its result, not even in the last bit.
 *
 * Reference, also for heads that are no multiple of 4: `stockSegmentAttention`.
 */

import { withGradient } from "../../tensor/gradient.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { tf } from "../../tensor/tf.ts";
import { attention, attentionUnder } from "./attention.ts";
import { attend, attendGradients, type AttentionVariant, defaultVariant } from "./programs.ts";
import type { AttentionSettings } from "./settings.ts";
import { RANGE_SIZE, type SegmentLayout, type TokenSpan } from "./segments.ts";

/**
 * Attends within the segments of `layout`.
 *
 * @param settings Scale, soft cap and window, where they are not the usual ones.
 * @param variant The family of programs; default the current device's.
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED where a tensor outgrows a binding, or a span
 * what a CPU driver's loops may go over.
 */
export function segmentAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  layout: SegmentLayout,
  settings: AttentionSettings = {},
  variant?: AttentionVariant,
): tf.Tensor3D {
  if (!usesFused() || q.shape[2] % 4 !== 0) return stockSegmentAttention(q, k, v, layout, settings);
  const family = variant ?? defaultVariant();
  const longest = layout.longestSpan;
  const window = windowWithin(layout, settings);
  const { ranges } = layout.deviceRanges(window);
  const operands = (q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, ranges: tf.Tensor) => ({
    ...{ q, k, v, ranges, longest },
    settings: { ...settings, window },
  });
  return withGradient<tf.Tensor3D>(
    [q, k, v],
    (save) => {
      const { y, logSums } = attend(operands(q, k, v, ranges), family);
      save([q, k, v, ranges, y, logSums]);
      return y;
    },
    (dY, saved) => {
      const [q, k, v, ranges, y, logSums] = saved as Saved;
      return attendGradients(operands(q, k, v, ranges), { y, logSums, dY }, family);
    },
  );
}

/** The window, where it hides anything from any token. */
function windowWithin(layout: SegmentLayout, { window }: AttentionSettings): number | undefined {
  return window !== undefined && window < layout.longestSpan ? window : undefined;
}

type Saved = [
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  ranges: tf.Tensor,
  y: tf.Tensor3D,
  logSums: tf.Tensor2D,
];

/** The same in tfjs's operations: span by span, with a mask, unless all are alike and causal. */
export function stockSegmentAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  layout: SegmentLayout,
  settings: AttentionSettings = {},
): tf.Tensor3D {
  const { spans, tokens } = layout;
  const window = windowWithin(layout, settings);
  const length = spans[0]!.end - spans[0]!.start;
  const isBatch = spans.every((span) => span.end - span.start === length && isCausal(layout, span));
  if (isBatch && spans.length * length === tokens) {
    const batch = (x: tf.Tensor3D): tf.Tensor4D =>
      tf.reshape(x, [spans.length, length, x.shape[1], x.shape[2]]);
    const [first] = spans;
    const mask = () => maskOf(layout, first!, window);
    const mixed = window === undefined
      ? attention(batch(q), batch(k), batch(v), settings)
      : attentionUnder(mask, batch(q), batch(k), batch(v), settings);
    return tf.reshape(mixed, q.shape);
  }
  const parts = spans.map(({ start, end }) => {
    const take = (x: tf.Tensor3D): tf.Tensor4D =>
      tf.expandDims(tf.slice(x, [start, 0, 0], [end - start, -1, -1]), 0);
    const mask = () => maskOf(layout, { start, end }, window);
    return tf.squeeze<tf.Tensor3D>(attentionUnder(mask, take(q), take(k), take(v), settings), [0]);
  });
  const used = spans.at(-1)!.end;
  if (used < tokens) parts.push(seenAlone(v, used, q.shape[1]));
  return tf.concat(parts, 0);
}

/** Padding's results: each token sees its own value alone. */
function seenAlone(v: tf.Tensor3D, start: number, H: number): tf.Tensor3D {
  const [N, K, D] = v.shape;
  const values = tf.reshape(tf.slice(v, [start, 0, 0], [-1, -1, -1]), [N - start, K, 1, D]);
  return tf.reshape(tf.tile(values, [1, 1, H / K, 1]), [N - start, H, D]);
}

function isCausal({ ranges }: SegmentLayout, { start, end }: TokenSpan): boolean {
  for (let i = start; i < end; i++) {
    if (ranges[RANGE_SIZE * i]! < ranges[RANGE_SIZE * i + 1]!) return false;
    if (ranges[RANGE_SIZE * i + 2] !== start) return false;
  }
  return true;
}

/** [T, T] of a span: 0 where the key is seen, else what exp makes 0 of. */
function maskOf(layout: SegmentLayout, { start, end }: TokenSpan, window?: number): tf.Tensor2D {
  const ranges = layout.rangesWithin(window);
  const T = end - start;
  const mask = new Float32Array(T * T).fill(-1e30);
  for (let i = start; i < end; i++) {
    const [promptStart, promptEnd, ownStart] = ranges.subarray(RANGE_SIZE * i);
    const row = mask.subarray((i - start) * T, (i - start + 1) * T);
    row.fill(0, promptStart! - start, promptEnd! - start);
    row.fill(0, ownStart! - start, i + 1 - start);
  }
  return tf.tensor2d(mask, [T, T]);
}
