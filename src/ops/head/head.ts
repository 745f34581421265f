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
 * A head with a LoRA branch (src/ops/linear/lora.ts) has logits that are a sum of products,
 * hidden Wᵀ + z Bᵀ with z = s hidden Aᵀ; each has its part of the gradients, and no merged [V, C] is
 * made.
 *
 * Only the rows named are computed: no padding, no prompt unless asked for. Logits exist for one
 * tile at a time, and the backward pass computes them again.
 *
 * On webgpu a tile is a run of the vocabulary for all rows, [M, T] (tiles.ts): the forward pass takes
 * it into each row's running maximum and sum (softmax.wgsl), all that is saved beside hidden and
 * weight; the backward pass turns it into dLogits where it lies (gradient.wgsl), adds
 * dLogits weight[tile] to the rows' gradient, and writes dWeight[tile].
 * The weight may outgrow a binding. Reference: `reference`, the whole vocabulary for runs of rows.
 */

import { currentDevice } from "../../tensor/device.ts";
import { withGradient } from "../../tensor/gradient.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { checkFits, maxTensorBytes } from "../../tensor/limits.ts";
import { matMul } from "../../tensor/matmul.ts";
import { isPacked, type PackedMatrix } from "../../tensor/packed_matrix.ts";
import { sizeClass } from "../../tensor/size_class.ts";
import { tf } from "../../tensor/tf.ts";
import { gatherRows } from "../embedding/gather_rows.ts";
import { capSlope, type HeadParts, headParts, type HeadWeights, logitsOf } from "./logits.ts";
import { type HeadTable, tiledGradients, tiledLogProbs } from "./tiles.ts";
import { segmentSum } from "../embedding/segment_sum.ts";

export type { HeadWeights } from "./logits.ts";

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
  const parts = headParts(hidden, "weight" in head ? head : { weight: head });
  if (!usesFused()) return reference(parts, rows, targets, logitBytes);
  const { maxBufferBytes } = currentDevice().limits;
  for (const { weight } of parts.products) {
    const stored = isPacked(weight) ? weight.rowsOf : weight;
    checkFits(stored.shape, "the head", "the vocabulary", maxBufferBytes);
  }
  const tableOf = (parts: HeadParts): HeadTable => ({
    ...atRows(parts, rows),
    targets: tf.tensor1d(targets, "int32"),
    logitBytes: logitBytes ?? TILE_BYTES,
  });
  return withGradient<tf.Tensor1D>(
    differentiable(parts),
    (save) => {
      const { logProbs, states } = tiledLogProbs(tableOf(parts));
      save([states, ...tensorsOf(parts)]);
      return logProbs;
    },
    (dY, [states, ...saved]) => {
      const table = tableOf(withTensors(parts, saved));
      const N = parts.products[0]!.x.shape[0];
      const { products, dBias } = tiledGradients(table, states as tf.Tensor2D, dY);
      const gradients = products.flatMap(({ dX, dWeight }) => {
        const dHidden = segmentSum(dX, rows, N);
        return dWeight ? [dHidden, dWeight] : [dHidden];
      });
      return dBias ? [...gradients, dBias] : gradients;
    },
  );
}

/** The head on some rows of its hidden states. */
function atRows(parts: HeadParts, rows: Int32Array): HeadParts {
  const products = parts.products.map((product) => ({
    ...product,
    x: gatherRows(product.x, rows),
  }));
  return { ...parts, products };
}

/** What the log-probabilities are differentiable in, in the order of the gradients. */
function differentiable({ products, bias, trainsBias }: HeadParts): tf.Tensor[] {
  const inputs = products.flatMap(({ x, weight, trains }) =>
    trains ? [x, weight as tf.Tensor2D] : [x]
  );
  return trainsBias ? [...inputs, bias!] : inputs;
}

/** What the tape is to keep of a head: nothing of a packed weight, whose tensor is never written. */
function tensorsOf({ products, bias }: HeadParts): tf.Tensor[] {
  const kept = products.flatMap(({ x, weight }) => isPacked(weight) ? [x] : [x, weight]);
  return bias ? [...kept, bias] : kept;
}

/** The head with the tensors that the tape has kept of it, as `tensorsOf` gave them. */
function withTensors(parts: HeadParts, kept: readonly tf.Tensor[]): HeadParts {
  const rest = [...kept];
  const products = parts.products.map(({ weight, trains }) => ({
    x: rest.shift() as tf.Tensor2D,
    weight: isPacked(weight) ? weight : rest.shift() as tf.Tensor2D,
    trains,
  }));
  return { ...parts, products, bias: rest[0] as tf.Tensor1D | undefined };
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
  parts: HeadParts,
  rows: Int32Array,
  targets: Int32Array,
  logitBytes: number = CHUNK_BYTES,
): tf.Tensor1D {
  for (const { weight } of parts.products) {
    if (!isPacked(weight)) checkFits(weight.shape, "the head", "the vocabulary");
  }
  const rowBytes = 4 * parts.products[0]!.weight.shape[0];
  const budget = Math.min(logitBytes, maxTensorBytes());
  const chunks = chunksOf(rows, targets, Math.max(1, Math.floor(budget / rowBytes)));
  return withGradient<tf.Tensor1D>(
    differentiable(parts),
    (save) => {
      const results = chunks.map((chunk) => forwardChunk(parts, chunk));
      save([...results.map(({ logSumExp }) => logSumExp), ...tensorsOf(parts)]);
      return tf.concat1d(
        results.map(({ logProbs }, i) => tf.slice(logProbs, 0, chunks[i]!.size)),
      );
    },
    (dY, saved) => {
      const logSumExps = saved.slice(0, chunks.length) as tf.Tensor1D[];
      return backward(withTensors(parts, saved.slice(chunks.length)), chunks, logSumExps, dY);
    },
  );
}

function forwardChunk(
  parts: HeadParts,
  chunk: Chunk,
): { logProbs: tf.Tensor1D; logSumExp: tf.Tensor1D } {
  return tf.tidy(() => {
    const logits = logitsOf(atRows(parts, chunk.rows));
    const V = logits.shape[1];
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
  parts: HeadParts,
  chunks: Chunk[],
  logSumExps: tf.Tensor1D[],
  dY: tf.Tensor1D,
): tf.Tensor[] {
  const { products, bias, trainsBias } = parts;
  const trained = products.flatMap(({ weight, trains }) => trains ? [weight as tf.Tensor2D] : []);
  // Of the weights and the bias, those that train.
  let sums = [...trained, ...(trainsBias ? [bias!] : [])].map(({ shape }) => tf.zeros(shape));
  const dRows = chunks.map((chunk, i) => {
    const { dXs, next } = tf.tidy(() => {
      const here = atRows(parts, chunk.rows);
      const dChunk = tf.slice(dY, chunk.start, chunk.size);
      const dLogits = logitGradient(here, chunk, logSumExps[i]!, dChunk);
      const shares: tf.Tensor[] = here.products.flatMap(({ x, trains }) =>
        trains ? [matMul(dLogits, x, { transposeA: true })] : []
      );
      if (trainsBias) shares.push(tf.sum(dLogits, 0));
      return {
        dXs: here.products.map(({ weight }) =>
          tf.slice(matMul(dLogits, weight), [0, 0], [chunk.size, weight.shape[1]])
        ),
        next: shares.map((share, part) => tf.add(sums[part]!, share)),
      };
    });
    tf.dispose(sums);
    sums = next;
    return dXs;
  });
  const rows = Int32Array.from(chunks.flatMap((chunk) => [...chunk.rows.subarray(0, chunk.size)]));
  const gradients = products.flatMap(({ x, trains }, part) => {
    const dX = segmentSum(tf.concat2d(dRows.map((dXs) => dXs[part]!), 0), rows, x.shape[0]);
    return trains ? [dX, sums.shift()!] : [dX];
  });
  return [...gradients, ...sums];
}

/** dY (onehot(target) - softmax(logits)) before any cap, [padded, V]; zero in the padding. */
function logitGradient(
  parts: HeadParts,
  chunk: Chunk,
  logSumExp: tf.Tensor1D,
  dY: tf.Tensor1D,
): tf.Tensor2D {
  return tf.tidy(() => {
    const logits = logitsOf(parts);
    const softmax = tf.exp(tf.sub(logits, tf.reshape(logSumExp, [-1, 1])));
    // Cast, for asked for float32 the wasm backend writes the bits of an integer.
    const oneHot = tf.oneHot(tf.tensor1d(chunk.targets, "int32"), logits.shape[1]);
    const difference = tf.sub(tf.cast(oneHot, "float32"), softmax);
    const scale = tf.pad1d(dY, [0, chunk.padded - chunk.size]);
    const dLogits: tf.Tensor2D = tf.mul(difference, tf.reshape(scale, [-1, 1]));
    const { softcap } = parts;
    return softcap === undefined ? dLogits : tf.mul(dLogits, capSlope(logits, softcap));
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
