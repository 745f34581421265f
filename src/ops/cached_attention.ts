/**
 * cachedAttention: one new query a sequence against the keys and values kept so far
 *
 *     q [B, 1, H, D]   keys, values [B, K, S, D]   positions [B]   y [B, 1, H, D]
 *     y = softmax(q keysᵀ / √D over the keys 0..positions[b]) values
 *
 * For generating: no gradient. Every size is fixed, so a generation reuses its buffers from token
 * to token. `attention` is the same for whole sequences.
 */

import { tf } from "../tensor/tf.ts";

/** Added to the scores of slots that hold no key yet; exp gives exactly 0. */
const HIDDEN_SCORE = -1e30;

/** Attends from position `positions[b]` of each sequence to itself and all before it. */
export function cachedAttention(
  q: tf.Tensor4D,
  keys: tf.Tensor4D,
  values: tf.Tensor4D,
  positions: Int32Array,
): tf.Tensor4D {
  const [B, , H, D] = q.shape;
  const [, K, S] = keys.shape;
  return tf.tidy(() => {
    const queries = tf.reshape(tf.mul(q, 1 / Math.sqrt(D)), [B * K, H / K, D]);
    const scores = tf.matMul(queries, tf.transpose(tf.reshape(keys, [B * K, S, D]), [0, 2, 1]));
    const masked = tf.add(tf.reshape(scores, [B, H, S]), hiddenSlots(positions, S));
    const weights = tf.reshape(tf.softmax(masked), [B * K, H / K, S]);
    return tf.reshape(tf.matMul(weights, tf.reshape(values, [B * K, S, D])), [B, 1, H, D]);
  });
}

/** Puts one row a sequence into slot `positions[b]`: cache [B, K, S, D], row [B, K, 1, D]. */
export function writeSlot(
  cache: tf.Tensor4D,
  row: tf.Tensor4D,
  positions: Int32Array,
): tf.Tensor4D {
  const S = cache.shape[2];
  return tf.tidy(() => {
    const here = tf.reshape(
      tf.cast(tf.oneHot(tf.tensor1d(positions, "int32"), S), "float32"),
      [positions.length, 1, S, 1],
    );
    return tf.add(tf.mul(cache, tf.sub(1, here)), tf.mul(row, here));
  });
}

/** [B, 1, S]: 0 in the slots 0..positions[b], else `HIDDEN_SCORE`. */
function hiddenSlots(positions: Int32Array, S: number): tf.Tensor3D {
  const slots = tf.reshape(tf.range(0, S, 1, "float32"), [1, 1, S]);
  const last = tf.tensor3d(Float32Array.from(positions), [positions.length, 1, 1]);
  return tf.mul(tf.cast(tf.greater(slots, last), "float32"), HIDDEN_SCORE);
}
