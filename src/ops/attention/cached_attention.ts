/**
 * cachedAttention: T new queries a sequence against the keys and values kept so far
 *
 *     q [B, T, H, D]   keys, values [B, K, S, D]   positions [B * T]   y [B, T, H, D]
 *     y = softmax(q keysᵀ / √D over the keys 0..positions[b, t]) values; see `AttentionSettings`
 *
 * For generating: no gradient. Every size is fixed, so a generation reuses its buffers from token
 * to token. `attention` is the same for whole sequences.
 */

import { tf } from "../../tensor/tf.ts";
import { type AttentionSettings, scoreScale } from "./settings.ts";

/** Added to the scores of slots that hold no key yet; exp gives exactly 0. */
const HIDDEN_SCORE = -1e30;

/** Attends from position `positions[b, t]` of each sequence to itself and all before it. */
export function cachedAttention(
  q: tf.Tensor4D,
  keys: tf.Tensor4D,
  values: tf.Tensor4D,
  positions: Int32Array,
  settings: AttentionSettings = {},
): tf.Tensor4D {
  const { softcap, window } = settings;
  const [B, T, H, D] = q.shape;
  const [, K, S] = keys.shape;
  return tf.tidy(() => {
    const byHead = tf.transpose(tf.mul(q, scoreScale(settings, D)), [0, 2, 1, 3]);
    const queries = tf.reshape(byHead, [B * K, H / K * T, D]);
    const scores = tf.matMul(queries, tf.transpose(tf.reshape(keys, [B * K, S, D]), [0, 2, 1]));
    const capped = softcap === undefined
      ? scores
      : tf.mul(tf.tanh(tf.div(scores, softcap)), softcap);
    const hidden = hiddenSlots(positions, [B, 1, T, S], window);
    const masked = tf.add(tf.reshape(capped, [B, H, T, S]), hidden);
    const weights = tf.reshape(tf.softmax(masked), [B * K, H / K * T, S]);
    const mixed = tf.matMul(weights, tf.reshape(values, [B * K, S, D]));
    return tf.transpose(tf.reshape(mixed, [B, H, T, D]), [0, 2, 1, 3]) as tf.Tensor4D;
  });
}

/** Puts T rows a sequence into slots `positions[b, t]`: cache [B, K, S, D], rows [B, T, K, D]. */
export function writeSlots(
  cache: tf.Tensor4D,
  rows: tf.Tensor4D,
  positions: Int32Array,
): tf.Tensor4D {
  const [B, T, K, D] = rows.shape;
  const S = cache.shape[2];
  return tf.tidy(() => {
    const places = tf.cast(tf.oneHot(tf.tensor1d(positions, "int32"), S), "float32");
    if (T === 1) {
      const here = tf.reshape(places, [B, 1, S, 1]);
      const row = tf.transpose(rows, [0, 2, 1, 3]);
      return tf.add(tf.mul(cache, tf.sub(1, here)), tf.mul(row, here));
    }
    const byPlace = tf.reshape(places, [B, T, S]);
    const placed = tf.matMul(byPlace, tf.reshape(rows, [B, T, K * D]), true);
    const bySlot = tf.transpose(tf.reshape(placed, [B, S, K, D]), [0, 2, 1, 3]);
    // A sum over T would do, but tfjs's webgpu backend makes no valid program of it.
    const written = tf.matMul(byPlace, tf.ones([B, T, 1]), true);
    const kept = tf.sub(1, tf.reshape(written, [B, 1, S, 1]));
    return tf.add(tf.mul(cache, kept), bySlot);
  });
}

/** 0 in the last `window` slots up to positions[b, t], else `HIDDEN_SCORE`. */
function hiddenSlots(
  positions: Int32Array,
  [B, , T, S]: readonly [number, 1, number, number],
  window: number = S,
): tf.Tensor4D {
  const slots = tf.reshape(tf.range(0, S, 1, "float32"), [1, 1, 1, S]);
  const last = tf.tensor4d(Float32Array.from(positions), [B, 1, T, 1]);
  const hidden = tf.logicalOr(
    tf.greater(slots, last),
    tf.lessEqual(slots, tf.sub(last, window)),
  );
  return tf.mul(tf.cast(hidden, "float32"), HIDDEN_SCORE);
}
