/**
 * head: log-probabilities of target tokens, without ever keeping logits
 *
 *     hidden [N, C]   weight [V, C]   rows [M] in [0, N)   targets [M] in [0, V)
 *     y[m] = logits[targets[m]] - logsumexp(logits), logits = hidden[rows[m]] weightᵀ   y [M]
 *     dLogits = dY (onehot(target) - softmax(logits))
 *     dHidden[n] = Σ over m with rows[m] = n of dLogits[m] weight      dWeight = dLogitsᵀ hidden[rows]
 *
 *     a head's bias [V] is added to the logits: dBias = Σ_m dLogits; with a soft cap c the logits are
 *     c tanh(l / c) of these, and dLogits is followed by 1 - (logits / c)²
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
import { capSlope, headLogits, type HeadWeights } from "./head_logits.ts";
import { type HeadTable, tiledGradients, tiledLogProbs } from "./head_tiles.ts";
import { segmentSum } from "./segment_sum.ts";

export type { HeadWeights } from "./head_logits.ts";

const TILE_BYTES = 8 * 2 ** 20;
const CHUNK_BYTES = 32 * 2 ** 20;

/**
 * Gives the log-probability of each target token after its row of hidden states.
 *
 * @param head Its weight, alone or with what else the head has. A variable that is not trainable
 * gets no gradient; neither does a packed matrix.
 * @param logitBytes Logits held at a time; default 8 MiB fused, 32 MiB in the reference.
 * @returns [M], at most 0; NaN where a logit is not finite.
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED where the head's weight outgrows a buffer, or
 * a binding in the reference.
 */
export function targetLogProbs(
  hidden: tf.Tensor2D,
  head: tf.Tensor2D | PackedMatrix | HeadWeights,
  rows: Int32Array,
  targets: Int32Array,
  logitBytes?: number,
): tf.Tensor1D {
  const weights = "weight" in head ? head : { weight: head };
  if (!usesFused()) return reference(hidden, weights, rows, targets, logitBytes);
  const { weight: headWeight, bias: headBias, softcap } = weights;
  const { maxBufferBytes } = currentDevice().limits;
  const stored = isPacked(headWeight) ? headWeight.rowsOf : headWeight;
  checkFits(stored.shape, "the head", "the vocabulary", maxBufferBytes);
  const trains = trainedParts(weights);
  const tableOf = (hidden: tf.Tensor2D, weight: Matrix, bias?: tf.Tensor1D): HeadTable => ({
    x: gatherRows(hidden, rows),
    weight,
    bias,
    softcap,
    targets: tf.tensor1d(targets, "int32"),
    logitBytes: logitBytes ?? TILE_BYTES,
  });
  return withGradient<tf.Tensor1D>(
    differentiable(hidden, weights),
    (save) => {
      const { logProbs, states } = tiledLogProbs(tableOf(hidden, headWeight, headBias));
      save([hidden, states, ...tensorsOf(weights)]);
      return logProbs;
    },
    (dY, saved) => {
      const [hidden, states] = saved as [tf.Tensor2D, tf.Tensor2D];
      const { weight, bias } = withTensors(weights, saved.slice(2));
      const { dX, dWeight, dBias } = tiledGradients(
        tableOf(hidden, weight, bias),
        states,
        dY,
        trains,
      );
      const dHidden = segmentSum(dX, rows, hidden.shape[0]);
      return [dHidden, ...(dWeight ? [dWeight] : []), ...(dBias ? [dBias] : [])];
    },
  );
}

/** Which of a head's parts get a gradient. */
function trainedParts({ weight, bias }: HeadWeights): { weight: boolean; bias: boolean } {
  return { weight: !isFrozen(weight), bias: bias !== undefined && !isFrozen(bias) };
}

/** What the log-probabilities are differentiable in, in the order of the gradients. */
function differentiable(hidden: tf.Tensor2D, head: HeadWeights): tf.Tensor[] {
  const trains = trainedParts(head);
  const weight = trains.weight ? [head.weight as tf.Tensor2D] : [];
  return [hidden, ...weight, ...(trains.bias ? [head.bias!] : [])];
}

/** What the tape is to keep of a head: nothing of a packed weight, whose tensor is never written. */
function tensorsOf({ weight, bias }: HeadWeights): tf.Tensor[] {
  return [...(isPacked(weight) ? [] : [weight]), ...(bias ? [bias] : [])];
}

/** The head with the tensors that the tape has kept of it, as `tensorsOf` gave them. */
function withTensors(head: HeadWeights, kept: readonly tf.Tensor[]): HeadWeights {
  const rest = [...kept];
  const weight = isPacked(head.weight) ? head.weight : rest.shift() as tf.Tensor2D;
  return { ...head, weight, bias: rest[0] as tf.Tensor1D | undefined };
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
  head: HeadWeights,
  rows: Int32Array,
  targets: Int32Array,
  logitBytes: number = CHUNK_BYTES,
): tf.Tensor1D {
  if (!isPacked(head.weight)) checkFits(head.weight.shape, "the head", "the vocabulary");
  const trains = trainedParts(head);
  const rowBytes = 4 * head.weight.shape[0];
  const budget = Math.min(logitBytes, maxTensorBytes());
  const chunks = chunksOf(rows, targets, Math.max(1, Math.floor(budget / rowBytes)));
  return withGradient<tf.Tensor1D>(
    differentiable(hidden, head),
    (save) => {
      const parts = chunks.map((chunk) => forwardChunk(hidden, head, chunk));
      save([hidden, ...parts.map((part) => part.logSumExp), ...tensorsOf(head)]);
      return tf.concat1d(
        parts.map((part, i) => tf.slice(part.logProbs, 0, chunks[i]!.size)),
      );
    },
    (dY, saved) => {
      const hidden = saved[0] as tf.Tensor2D;
      const logSumExps = saved.slice(1, 1 + chunks.length) as tf.Tensor1D[];
      const kept = withTensors(head, saved.slice(1 + chunks.length));
      return backward({ hidden, head: kept, trains }, chunks, logSumExps, dY);
    },
  );
}

function forwardChunk(
  hidden: tf.Tensor2D,
  head: HeadWeights,
  chunk: Chunk,
): { logProbs: tf.Tensor1D; logSumExp: tf.Tensor1D } {
  return tf.tidy(() => {
    const V = head.weight.shape[0];
    const logits = headLogits(gatherRows(hidden, chunk.rows), head);
    const logSumExp = tf.logSumExp(logits, 1) as tf.Tensor1D;
    const places = chunk.targets.map((target, m) => m * V + target);
    const target = tf.gather(tf.reshape(logits, [-1]), tf.tensor1d(places, "int32"));
    const difference = tf.sub(target, logSumExp) as tf.Tensor1D;
    // Rounding can leave a certain token a little above 0; `where` keeps NaN, `minimum` may not.
    const logProbs = tf.where(tf.greater(difference, 0), tf.zerosLike(difference), difference);
    return { logProbs: logProbs as tf.Tensor1D, logSumExp };
  });
}

interface BackwardInputs {
  hidden: tf.Tensor2D;
  head: HeadWeights;
  trains: { weight: boolean; bias: boolean };
}

function backward(
  { hidden, head, trains }: BackwardInputs,
  chunks: Chunk[],
  logSumExps: tf.Tensor1D[],
  dY: tf.Tensor1D,
): tf.Tensor[] {
  const [N, C] = hidden.shape;
  const [V] = head.weight.shape;
  // Of the weight and the bias, those that train.
  let sums = [
    ...(trains.weight ? [tf.zeros([V, C])] : []),
    ...(trains.bias ? [tf.zeros([V])] : []),
  ];
  const dRows = chunks.map((chunk, i) => {
    const { dX, next } = tf.tidy(() => {
      const x = gatherRows(hidden, chunk.rows);
      const dChunk = tf.slice(dY, chunk.start, chunk.size);
      const dLogits = logitGradient(x, head, chunk, logSumExps[i]!, dChunk);
      const shares: tf.Tensor[] = [
        ...(trains.weight ? [matMul(dLogits, x, { transposeA: true })] : []),
        ...(trains.bias ? [tf.sum(dLogits, 0)] : []),
      ];
      return {
        dX: tf.slice(matMul(dLogits, head.weight), [0, 0], [chunk.size, C]),
        next: shares.map((share, part) => tf.add(sums[part]!, share)),
      };
    });
    tf.dispose(sums);
    sums = next;
    return dX;
  });
  const rows = Int32Array.from(chunks.flatMap((chunk) => [...chunk.rows.subarray(0, chunk.size)]));
  return [segmentSum(tf.concat2d(dRows, 0), rows, N), ...sums];
}

/** dY (onehot(target) - softmax(logits)) before any cap, [padded, V]; zero in the padding. */
function logitGradient(
  x: tf.Tensor2D,
  head: HeadWeights,
  chunk: Chunk,
  logSumExp: tf.Tensor1D,
  dY: tf.Tensor1D,
): tf.Tensor2D {
  return tf.tidy(() => {
    const V = head.weight.shape[0];
    const logits = headLogits(x, head);
    const softmax = tf.exp(tf.sub(logits, tf.reshape(logSumExp, [-1, 1])));
    // Cast, for asked for float32 the wasm backend writes the bits of an integer.
    const oneHot = tf.cast(tf.oneHot(tf.tensor1d(chunk.targets, "int32"), V), "float32");
    const scale = tf.pad1d(dY, [0, chunk.padded - chunk.size]);
    const dLogits: tf.Tensor2D = tf.mul(tf.sub(oneHot, softmax), tf.reshape(scale, [-1, 1]));
    return head.softcap === undefined ? dLogits : tf.mul(dLogits, capSlope(logits, head.softcap));
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
