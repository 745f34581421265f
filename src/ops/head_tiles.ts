/**
 * The head's fused passes on webgpu, over tiles of the vocabulary (see head.ts for the formulas).
 * Nothing here is differentiable.
 */

import { laneShape, vectorSource, vectorWidth } from "../tensor/lanes.ts";
import { matMulInto } from "../tensor/matmul.ts";
import { type Matrix, type MatrixRows, matrixRows } from "../tensor/matmul_problem.ts";
import { allocate, type Binding, runProgram } from "../tensor/program.ts";
import { rowRanges } from "../tensor/ranges.ts";
import type { tf } from "../tensor/tf.ts";
import gradientCode from "./head_gradient.wgsl" with { type: "text" };
import softmaxCode from "./head_softmax.wgsl" with { type: "text" };

/** What both passes are given. */
export interface HeadTable {
  /** [M, C], the rows of hidden states named. */
  readonly x: tf.Tensor2D;
  /** [V, C], may be packed. */
  readonly weight: Matrix;
  /** [M], int32. */
  readonly targets: tf.Tensor1D;
  /** Bytes of logits held at a time. */
  readonly logitBytes: number;
}

/** Log-probabilities [M], and each row's maximum, sum and target's logit [M, 4]. */
export function tiledLogProbs(table: HeadTable): { logProbs: tf.Tensor1D; states: tf.Tensor2D } {
  const M = table.x.shape[0];
  const states = allocate([M, 4], "float32", "the head") as tf.Tensor2D;
  const logProbs = allocate([M], "float32", "the head") as tf.Tensor1D;
  for (const tile of tilesOf(table)) {
    computeLogits(table, tile);
    runRows("head_softmax", softmaxCode, tile, {
      inputs: [tile.bound, table.targets],
      inPlace: [states, logProbs],
    });
  }
  return { logProbs, states };
}

/**
 * Gradients at x [M, C] and, unless the weight is frozen, at the weight [V, C].
 *
 * @param states Of `tiledLogProbs`.
 */
export function tiledGradients(
  table: HeadTable,
  states: tf.Tensor2D,
  dY: tf.Tensor1D,
  isFrozen: boolean,
): { dX: tf.Tensor2D; dWeight?: tf.Tensor2D } {
  const { x, weight, targets } = table;
  const dX = allocate(x.shape, "float32", "the head's gradient") as tf.Tensor2D;
  const dWeight = isFrozen
    ? undefined
    : allocate(weight.shape, "float32", "the head's gradient") as tf.Tensor2D;
  for (const tile of tilesOf(table)) {
    computeLogits(table, tile);
    runRows("head_gradient", gradientCode, tile, {
      inputs: [targets, states, dY],
      inPlace: [tile.bound],
    });
    matMulInto(dX, tile.logits, tile.of(weight), { accumulates: tile.start > 0 });
    if (dWeight) matMulInto(tile.of(dWeight), tile.logits, x, { transposeA: true });
  }
  return { dX, dWeight };
}

/** A run of the vocabulary, and where its logits go. */
interface Tile {
  /** Its first token. */
  readonly start: number;
  /** [M, T]. */
  readonly logits: MatrixRows;
  /** The same, as a program binds it. */
  readonly bound: Binding;
  /** The tile's rows of a matrix shaped as the weight. */
  of(matrix: Matrix): MatrixRows;
}

/** Tiles that share one place for their logits. */
function tilesOf({ x, weight, logitBytes }: HeadTable): Tile[] {
  const M = x.shape[0];
  const [V, C] = weight.shape;
  const most = Math.max(TOKEN_STEP, floorTo(TOKEN_STEP, logitBytes / (4 * M)));
  const ranges = rowRanges(V, C, most);
  const largest = Math.max(...ranges.map(({ count }) => count));
  // Of one size for every M, where the vocabulary takes several tiles: the pool keeps each size.
  const size = Math.max(M * largest, Math.min(M * V, Math.floor(logitBytes / 4)));
  const place = allocate([size], "float32", "the head's logits");
  return ranges.map(({ start, count }) => ({
    start,
    logits: { rowsOf: place, firstRow: 0, shape: [M, count] },
    bound: { tensor: place, start: 0, length: M * count },
    of: (matrix) => matrixRows(matrix, start, count),
  }));
}

/** Tokens of a tile are a multiple of this, so that its rows can be read as texels. */
const TOKEN_STEP = 64;

function floorTo(step: number, value: number): number {
  return Math.floor(value / step) * step;
}

function computeLogits({ x, weight }: HeadTable, tile: Tile): void {
  matMulInto(tile.logits, x, tile.of(weight), { transposeB: true });
}

function runRows(
  name: string,
  code: string,
  { start, logits }: Tile,
  bindings: { inputs: readonly Binding[]; inPlace: readonly Binding[] },
): void {
  const [M, T] = logits.shape;
  const width = vectorWidth(T);
  runProgram({
    ...vectorSource(name, code, width),
    label: "the head's softmax",
    constants: { lanes: laneShape().lanes },
    ...bindings,
    uniforms: [M, T / width, start],
    workgroups: M,
  });
}
