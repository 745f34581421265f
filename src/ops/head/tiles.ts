/**
 * The head's fused passes on webgpu, over tiles of the vocabulary (see head.ts for the formulas).
 * Nothing here is differentiable.
 */

import { EACH_ROW } from "../../tensor/entry_points.ts";
import { maxTensorBytes } from "../../tensor/limits.ts";
import { laneShape, vectorSource, vectorWidth } from "../../tensor/lanes.ts";
import { matMulInto } from "../../tensor/matmul.ts";
import { type Matrix, type MatrixRows, matrixRows } from "../../tensor/matmul_problem.ts";
import { allocate, type Binding, runProgram } from "../../tensor/program.ts";
import { rowRanges } from "../../tensor/ranges.ts";
import { tf } from "../../tensor/tf.ts";
import gradientCode from "./gradient.wgsl" with { type: "text" };
import softmaxCode from "./softmax.wgsl" with { type: "text" };
import { tanhText } from "../tanh_text.ts";

/** A product that the logits are a sum of. */
export interface HeadProduct {
  /** [M, C], the rows named; C may differ from product to product. */
  readonly x: tf.Tensor2D;
  /** [V, C], may be packed. */
  readonly weight: Matrix;
  /** Whether the weight's gradient is wanted. */
  readonly trains: boolean;
}

/** What both passes are given. */
export interface HeadTable {
  /** At least one. */
  readonly products: readonly HeadProduct[];
  /** [V]. */
  readonly bias?: tf.Tensor1D;
  /** Whether the bias's gradient is wanted. */
  readonly trainsBias: boolean;
  /** c of the logits' c tanh(l / c). */
  readonly softcap?: number;
  /** [M], int32. */
  readonly targets: tf.Tensor1D;
  /** Bytes of logits held at a time. */
  readonly logitBytes: number;
}

/** Log-probabilities [M], and each row's maximum, sum and target's logit [M, 4]. */
export function tiledLogProbs(table: HeadTable): { logProbs: tf.Tensor1D; states: tf.Tensor2D } {
  const M = table.targets.size;
  const states = allocate([M, 4], "float32", "the head") as tf.Tensor2D;
  const logProbs = allocate([M], "float32", "the head") as tf.Tensor1D;
  for (const tile of tilesOf(table)) {
    computeLogits(table, tile);
    runRows("head_softmax", softmaxCode, table, tile, {
      inputs: [tile.bound, table.targets],
      inPlace: [states, logProbs],
    });
  }
  return { logProbs, states };
}

/** Gradients at each product's x [M, C] and, where they train, its weight [V, C], and the bias [V]. */
export interface HeadGradients {
  readonly products: readonly { readonly dX: tf.Tensor2D; readonly dWeight?: tf.Tensor2D }[];
  readonly dBias?: tf.Tensor;
}

/**
 * Gives the gradients, the products' in their order.
 *
 * @param states Of `tiledLogProbs`.
 */
export function tiledGradients(
  table: HeadTable,
  states: tf.Tensor2D,
  dY: tf.Tensor1D,
): HeadGradients {
  const place = (shape: readonly number[]) =>
    allocate(shape, "float32", "the head's gradient") as tf.Tensor2D;
  const products = table.products.map(({ x, weight, trains }) => ({
    dX: place(x.shape),
    dWeight: trains ? place(weight.shape) : undefined,
  }));
  const dBias = table.trainsBias ? place([table.products[0]!.weight.shape[0]]) : undefined;
  for (const tile of tilesOf(table)) {
    computeLogits(table, tile);
    runRows("head_gradient", gradientCode, table, tile, {
      inputs: [table.targets, states, dY],
      inPlace: [tile.bound],
    });
    for (const [i, { x, weight }] of table.products.entries()) {
      const { dX, dWeight } = products[i]!;
      matMulInto(dX, tile.logits, tile.of(weight), { accumulates: tile.start > 0 });
      if (dWeight) matMulInto(tile.of(dWeight), tile.logits, x, { transposeA: true });
    }
    if (dBias) {
      matMulInto(tile.columnOf(dBias), tile.logits, onesFor(table), { transposeA: true });
    }
  }
  return { products, dBias };
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
  /** The tile's part of a vector of tokens, as a column. */
  columnOf(vector: tf.Tensor): MatrixRows;
}

/** Tiles that share one place for their logits. */
function tilesOf({ products, targets, logitBytes }: HeadTable): Tile[] {
  const M = targets.size;
  const V = products[0]!.weight.shape[0];
  const C = Math.max(...products.map(({ x }) => x.shape[1]));
  const fitting = Math.min(logitBytes / (4 * M), maxTensorBytes() / (4 * C));
  const most = Math.max(TOKEN_STEP, floorTo(TOKEN_STEP, fitting));
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
    columnOf: (vector) => ({ rowsOf: vector, firstRow: start, shape: [count, 1] }),
  }));
}

/**
 * Tokens of a tile are a multiple of this, so that its rows can be read as texels, and that a
 * binding of the bias can start where a tile does.
 */
const TOKEN_STEP = 64;

function floorTo(step: number, value: number): number {
  return Math.floor(value / step) * step;
}

/** The tile's logits, before any cap. A bias is a product of one inner step. */
function computeLogits(table: HeadTable, tile: Tile): void {
  for (const [i, { x, weight }] of table.products.entries()) {
    matMulInto(tile.logits, x, tile.of(weight), { transposeB: true, accumulates: i > 0 });
  }
  if (!table.bias) return;
  const column = tile.columnOf(table.bias);
  matMulInto(tile.logits, onesFor(table), column, { transposeB: true, accumulates: true });
}

/** [M, 1]. */
function onesFor({ targets }: HeadTable): tf.Tensor2D {
  return tf.ones([targets.size, 1]);
}

/** What both programs begin with. */
const CAP = `${tanhText("V")}
// c of c tanh(l / c); 0: none.
override softcap: f32;
fn capped(logit: V) -> V {
  if (softcap == 0) { return logit; }
  return softcap * tanhOf(logit / softcap);
}
fn capSlope(logit: V) -> V {
  if (softcap == 0) { return V(1); }
  let part = logit / softcap;
  return 1 - part * part;
}`;

function runRows(
  name: string,
  code: string,
  { softcap = 0 }: HeadTable,
  { start, logits }: Tile,
  bindings: { inputs: readonly Binding[]; inPlace: readonly Binding[] },
): void {
  const [M, T] = logits.shape;
  const width = vectorWidth(T);
  runProgram({
    ...vectorSource(name, `${EACH_ROW}${CAP}\n${code}`, width),
    label: "the head's softmax",
    constants: { lanes: laneShape().lanes, softcap },
    ...bindings,
    uniforms: [M, T / width, start],
    workgroups: M,
  });
}
