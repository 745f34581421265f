/**
 * attention: causal, with grouped key/value heads
 *
 *     q [B, T, H, D]   k, v [B, T, K, D]   G = H / K query heads share a key/value head
 *     P = softmax(q kᵀ / √D + mask)   y = P v   [B, T, H, D]
 *     dV = Pᵀ dY   dP = dY vᵀ   dS = P ⊙ (dP - Σ_j dP P)   dQ = dS k / √D   dK = dSᵀ q / √D
 *
 * With a soft cap c, softmax is of c tanh(q kᵀ / (√D c)), and dS is followed by 1 - (that / c)².
 *
 * Query i sees keys 0..i. Saves q, k and v alone: the backward pass computes P again, so memory
 * grows with B H T D, not with B H T². Both passes go through the B K groups in chunks of at most
 * `scoreBytes`. Products are of rank 3 with the G heads of a group stacked along T, so that keys
 * and values are never repeated.
 *
 * In stock operations alone: the reference of segmentAttention, and what runs on wasm and cpu.
 */

import { withGradient } from "../../tensor/gradient.ts";
import { checkFits, maxTensorBytes } from "../../tensor/limits.ts";
import { matMul } from "../../tensor/matmul.ts";
import { tf } from "../../tensor/tf.ts";
import { type AttentionSettings, scoreScale } from "./settings.ts";

/** The window is a matter of the mask. */
type ScoreSettings = Pick<AttentionSettings, "scale" | "softcap">;

const SCORE_BYTES = 32 * 2 ** 20;

/** Added to the scores of keys that a query must not see; exp gives exactly 0. */
const HIDDEN_SCORE = -1e30;

/**
 * Attends causally from every position to itself and those before it.
 *
 * @param scoreBytes Scores held at a time; default 32 MiB, at least one group's.
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED where one group's scores outgrow a binding.
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  settings: ScoreSettings = {},
  scoreBytes: number = SCORE_BYTES,
): tf.Tensor4D {
  const T = q.shape[1];
  return attentionUnder(() => causalMask(T), q, k, v, settings, scoreBytes);
}

/**
 * Attends under a mask of one's own.
 *
 * @param makeMask Makes what is added to the scores of each query and key, [T, T]; once a pass.
 * @param scoreBytes As for `attention`.
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED, as `attention`.
 */
export function attentionUnder(
  makeMask: () => tf.Tensor2D,
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  { scale, softcap }: ScoreSettings = {},
  scoreBytes: number = SCORE_BYTES,
): tf.Tensor4D {
  const [B, T, H, D] = q.shape;
  const making: ScoreMaking = { scale: scoreScale({ scale }, D), softcap };
  const K = k.shape[2];
  const rows = (H / K) * T;
  checkFits([rows, T], "attention scores", "maxLength");
  const budget = Math.min(scoreBytes, maxTensorBytes());
  const chunks = chunksOf(B * K, Math.max(1, Math.floor(budget / (4 * rows * T))));
  return withGradient<tf.Tensor4D>(
    [q, k, v],
    (save) => {
      save([q, k, v]);
      const [qs, ks, vs] = [group(q, K), group(k, K), group(v, K)];
      const mask = makeMask();
      const parts = chunks.map((chunk) =>
        tf.tidy(() =>
          matMul(
            tf.softmax(scoresOf(take(qs, chunk), take(ks, chunk), mask, making).masked),
            take(vs, chunk),
          )
        )
      );
      return ungroup(join(parts), [B, T, H, D]);
    },
    (dY, saved) => {
      const [qs, ks, vs] = saved.map((x) => group(x as tf.Tensor4D, K)) as [
        tf.Tensor3D,
        tf.Tensor3D,
        tf.Tensor3D,
      ];
      const dYs = group(dY, K);
      const mask = makeMask();
      const parts = chunks.map((chunk) =>
        chunkGradients(
          [take(qs, chunk), take(ks, chunk), take(vs, chunk), take(dYs, chunk)],
          mask,
          making,
        )
      );
      const gradient = (i: 0 | 1 | 2): tf.Tensor3D => join(parts.map((part) => part[i]));
      return [
        ungroup(gradient(0), [B, T, H, D]),
        ungroup(gradient(1), [B, T, K, D]),
        ungroup(gradient(2), [B, T, K, D]),
      ];
    },
  );
}

/** dQ, dK and dV of a chunk of groups. */
function chunkGradients(
  [q, k, v, dY]: readonly [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D, tf.Tensor3D],
  mask: tf.Tensor2D,
  making: ScoreMaking,
): [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D] {
  return tf.tidy(() => {
    const { scale, softcap } = making;
    const { scores, masked } = scoresOf(q, k, mask, making);
    const p = tf.softmax(masked);
    const dV = matMul(p, dY, { transposeA: true });
    const dPP = tf.mul(matMul(dY, v, { transposeB: true }), p);
    const dCapped: tf.Tensor3D = tf.sub(dPP, tf.mul(p, tf.sum(dPP, 2, true)));
    const slope = softcap === undefined ? 1 : tf.sub(1, tf.square(tf.div(scores, softcap)));
    const dS: tf.Tensor3D = tf.mul(tf.mul(dCapped, slope), scale);
    return [matMul(dS, k), matMul(dS, q, { transposeA: true }), dV];
  });
}

/** What scores are made with. */
interface ScoreMaking {
  readonly scale: number;
  readonly softcap?: number;
}

/** The scores before and after the mask: q [g, G T, D], k [g, T, D] -> [g, G T, T]. */
function scoresOf(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  mask: tf.Tensor2D,
  { scale, softcap }: ScoreMaking,
): { scores: tf.Tensor3D; masked: tf.Tensor3D } {
  const [groups, rows] = q.shape;
  const T = k.shape[1];
  const products = matMul(tf.mul<tf.Tensor3D>(q, scale), k, { transposeB: true });
  const scores = softcap === undefined
    ? products
    : tf.mul<tf.Tensor3D>(tf.tanh(tf.div(products, softcap)), softcap);
  const masked = tf.add(tf.reshape(scores, [groups * rows / T, T, T]), mask);
  return { scores, masked: tf.reshape(masked, [groups, rows, T]) };
}

/** [T, T]: 0 where key j <= query i, else `HIDDEN_SCORE`. */
function causalMask(T: number): tf.Tensor2D {
  return tf.tidy(() => {
    const positions = tf.range(0, T, 1, "float32");
    const later = tf.greater(tf.reshape(positions, [1, T]), tf.reshape(positions, [T, 1]));
    return tf.mul(tf.cast(later, "float32"), HIDDEN_SCORE) as tf.Tensor2D;
  });
}

/** [B, T, H, D] -> [B K, (H / K) T, D]. */
function group(x: tf.Tensor4D, K: number): tf.Tensor3D {
  const [B, T, H, D] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B * K, (H / K) * T, D]);
}

/** The inverse of `group`. */
function ungroup(x: tf.Tensor3D, shape: [number, number, number, number]): tf.Tensor4D {
  const [B, T, H, D] = shape;
  return tf.transpose(tf.reshape(x, [B, H, T, D]), [0, 2, 1, 3]) as tf.Tensor4D;
}

interface Chunk {
  start: number;
  size: number;
}

function chunksOf(total: number, step: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (let start = 0; start < total; start += step) {
    chunks.push({ start, size: Math.min(step, total - start) });
  }
  return chunks;
}

function take(x: tf.Tensor3D, { start, size }: Chunk): tf.Tensor3D {
  if (size === x.shape[0]) return x;
  return tf.slice(x, [start, 0, 0], [size, -1, -1]);
}

function join(parts: tf.Tensor3D[]): tf.Tensor3D {
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
}
