/**
 * head: log-probabilities of target tokens, without ever keeping logits
 *
 *     hidden [N, C]   weight [V, C]   rows [M] in [0, N)   targets [M] in [0, V)
 *     y[m] = logits[targets[m]] - logsumexp(logits), logits = hidden[rows[m]] weightᵀ   y [M]
 *     dLogits = dY (onehot(target) - softmax(logits))
 *     dHidden[n] = Σ over m with rows[m] = n of dLogits[m] weight      dWeight = dLogitsᵀ hidden[rows]
 *
 * Only the rows named are computed: no padding, no prompt unless asked for. Logits exist for one
 * tile at a time, and the backward pass computes them again.
 *
 * On webgpu a tile is a run of the vocabulary for all rows, [M, T] (head_tiles.ts): the forward
 * pass takes it into each row's running maximum and sum (head_softmax.wgsl), all that is saved
 * beside hidden and weight; the backward pass turns it into dLogits where it lies
 * (head_gradient.wgsl), adds dLogits weight[tile] to the rows' gradient, and writes dWeight[tile].
 * The weight may outgrow a binding. Reference: `reference`, the whole vocabulary for runs of rows.
 */

import { currentDevice } from "../tensor/device.ts";
import { isFrozen, withGradient } from "../tensor/gradient.ts";
import { usesFused } from "../tensor/kernels.ts";
import { checkFits, maxTensorBytes } from "../tensor/limits.ts";
import { matMul } from "../tensor/matmul.ts";
import type { Matrix } from "../tensor/matmul_problem.ts";
import { isPacked, type PackedMatrix } from "../tensor/packed_matrix.ts";
import { sizeClass } from "../tensor/size_class.ts";
import { tf } from "../tensor/tf.ts";
import { gatherRows } from "./gather_rows.ts";
import { type HeadTable, tiledGradients, tiledLogProbs } from "./head_tiles.ts";
import { segmentSum } from "./segment_sum.ts";

const TILE_BYTES = 8 * 2 ** 20;
const CHUNK_BYTES = 32 * 2 ** 20;

/**
 * Gives the log-probability of each target token after its row of hidden states.
 *
 * @param headWeight A variable that is not trainable gets no gradient; neither does a packed matrix.
 * @param logitBytes Logits held at a time; default 8 MiB fused, 32 MiB in the reference.
 * @returns [M], at most 0; NaN where a logit is not finite.
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED where the head's weight outgrows a buffer, or
 * a binding in the reference.
 */
export function targetLogProbs(
  hidden: tf.Tensor2D,
  headWeight: tf.Tensor2D | PackedMatrix,
  rows: Int32Array,
  targets: Int32Array,
  logitBytes?: number,
): tf.Tensor1D {
  if (!usesFused()) return reference(hidden, headWeight, rows, targets, logitBytes);
  const { maxBufferBytes } = currentDevice().limits;
  const stored = isPacked(headWeight) ? headWeight.rowsOf : headWeight;
  checkFits(stored.shape, "the head", "the vocabulary", maxBufferBytes);
  const isConstant = isFrozen(headWeight);
  const tableOf = (hidden: tf.Tensor2D, weight: Matrix): HeadTable => ({
    x: gatherRows(hidden, rows),
    weight,
    targets: tf.tensor1d(targets, "int32"),
    logitBytes: logitBytes ?? TILE_BYTES,
  });
  return withGradient<tf.Tensor1D>(
    isConstant ? [hidden] : [hidden, headWeight as tf.Tensor2D],
    (save) => {
      const { logProbs, states } = tiledLogProbs(tableOf(hidden, headWeight));
      save([hidden, states, ...tensorsOf(headWeight)]);
      return logProbs;
    },
    (dY, saved) => {
      const [hidden, states, weight = headWeight] = saved as [
        tf.Tensor2D,
        tf.Tensor2D,
        tf.Tensor2D?,
      ];
      const { dX, dWeight } = tiledGradients(tableOf(hidden, weight), states, dY, isConstant);
      const dHidden = segmentSum(dX, rows, hidden.shape[0]);
      return dWeight ? [dHidden, dWeight] : [dHidden];
    },
  );
}

/** What the tape is to keep of a weight: nothing of a packed one, whose tensor is never written. */
function tensorsOf(weight: tf.Tensor2D | PackedMatrix): tf.Tensor2D[] {
  return isPacked(weight) ? [] : [weight];
}

/** A run of table rows, padded to a size class with row 0 and token 0. */
interface Chunk {
  start: number;
  /** Rows of the table; the tensors below have `padded` rows. */
  size: number;
  padded: number;
  rows: Int32Array;
  targets: Int32Array;
}

/** The same in tfjs's operations. */
function reference(
  hidden: tf.Tensor2D,
  headWeight: tf.Tensor2D | PackedMatrix,
  rows: Int32Array,
  targets: Int32Array,
  logitBytes: number = CHUNK_BYTES,
): tf.Tensor1D {
  if (!isPacked(headWeight)) checkFits(headWeight.shape, "the head", "the vocabulary");
  const isConstant = isFrozen(headWeight);
  const rowBytes = 4 * headWeight.shape[0];
  const budget = Math.min(logitBytes, maxTensorBytes());
  const chunks = chunksOf(rows, targets, Math.max(1, Math.floor(budget / rowBytes)));
  return withGradient<tf.Tensor1D>(
    isConstant ? [hidden] : [hidden, headWeight as tf.Tensor2D],
    (save) => {
      const parts = chunks.map((chunk) => forwardChunk(hidden, headWeight, chunk));
      save([hidden, ...parts.map((part) => part.logSumExp), ...tensorsOf(headWeight)]);
      return tf.concat1d(
        parts.map((part, i) => tf.slice(part.logProbs, 0, chunks[i]!.size)),
      );
    },
    (dY, saved) => {
      const hidden = saved[0] as tf.Tensor2D;
      const logSumExps = saved.slice(1, 1 + chunks.length) as tf.Tensor1D[];
      const weight = saved[1 + chunks.length] as tf.Tensor2D | undefined ?? headWeight;
      return backward({ hidden, weight, isConstant }, chunks, logSumExps, dY);
    },
  );
}

function forwardChunk(
  hidden: tf.Tensor2D,
  weight: tf.Tensor2D | PackedMatrix,
  chunk: Chunk,
): { logProbs: tf.Tensor1D; logSumExp: tf.Tensor1D } {
  return tf.tidy(() => {
    const V = weight.shape[0];
    const logits = matMul(gatherRows(hidden, chunk.rows), weight, { transposeB: true });
    const logSumExp = tf.logSumExp(logits, 1) as tf.Tensor1D;
    const places = chunk.targets.map((target, m) => m * V + target);
    const target = tf.gather(tf.reshape(logits, [-1]), tf.tensor1d(places, "int32"));
    const difference = tf.sub(target, logSumExp) as tf.Tensor1D;
    // Rounding can leave a certain token a little above 0; `where` keeps NaN, `minimum` may not.
    const logProbs = tf.where(tf.greater(difference, 0), tf.zerosLike(difference), difference);
    return { logProbs: logProbs as tf.Tensor1D, logSumExp };
  });
}

function backward(
  { hidden, weight, isConstant }: {
    hidden: tf.Tensor2D;
    weight: tf.Tensor2D | PackedMatrix;
    isConstant: boolean;
  },
  chunks: Chunk[],
  logSumExps: tf.Tensor1D[],
  dY: tf.Tensor1D,
): tf.Tensor[] {
  const [N, C] = hidden.shape;
  let dWeight = isConstant ? undefined : tf.zerosLike(weight as tf.Tensor2D);
  const dRows = chunks.map((chunk, i) => {
    const gradients = tf.tidy(() => {
      const x = gatherRows(hidden, chunk.rows);
      const dChunk = tf.slice(dY, chunk.start, chunk.size);
      const dLogits = logitGradient(x, weight, chunk, logSumExps[i]!, dChunk);
      return {
        dX: tf.slice(matMul(dLogits, weight), [0, 0], [chunk.size, C]),
        dWeight: dWeight &&
          tf.add(dWeight, matMul(dLogits, x, { transposeA: true })) as tf.Tensor2D,
      };
    });
    dWeight?.dispose();
    dWeight = gradients.dWeight;
    return gradients.dX;
  });
  const rows = Int32Array.from(chunks.flatMap((chunk) => [...chunk.rows.subarray(0, chunk.size)]));
  const dHidden = segmentSum(tf.concat2d(dRows, 0), rows, N);
  return dWeight ? [dHidden, dWeight] : [dHidden];
}

/** dY (onehot(target) - softmax(logits)), [padded, V]; zero in the padding. */
function logitGradient(
  x: tf.Tensor2D,
  weight: tf.Tensor2D | PackedMatrix,
  chunk: Chunk,
  logSumExp: tf.Tensor1D,
  dY: tf.Tensor1D,
): tf.Tensor2D {
  return tf.tidy(() => {
    const V = weight.shape[0];
    const logits = matMul(x, weight, { transposeB: true });
    const softmax = tf.exp(tf.sub(logits, tf.reshape(logSumExp, [-1, 1])));
    // Cast, for asked for float32 the wasm backend writes the bits of an integer.
    const oneHot = tf.cast(tf.oneHot(tf.tensor1d(chunk.targets, "int32"), V), "float32");
    const scale = tf.pad1d(dY, [0, chunk.padded - chunk.size]);
    return tf.mul(tf.sub(oneHot, softmax), tf.reshape(scale, [-1, 1])) as tf.Tensor2D;
  });
}

function chunksOf(rows: Int32Array, targets: Int32Array, step: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (let start = 0; start < rows.length; start += step) {
    const size = Math.min(step, rows.length - start);
    const padded = Math.min(step, sizeClass(size));
    const padRows = new Int32Array(padded);
    const padTargets = new Int32Array(padded);
    padRows.set(rows.subarray(start, start + size));
    padTargets.set(targets.subarray(start, start + size));
    chunks.push({ start, size, padded, rows: padRows, targets: padTargets });
  }
  return chunks;
}
