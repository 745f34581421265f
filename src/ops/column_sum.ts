/**
 * columnSum: y[c] = Σ_n x[n, c]
 *
 *     x [N, C]   y [C]
 *
 * On webgpu blocks of rows are added, then blocks of those sums, until one row is left: always in
 * the same order. Not differentiable itself. Reference: tf.sum(x, 0).
 */

import { usesFused } from "../tensor/kernels.ts";
import { laneShape, vectorSource, vectorWidth } from "../tensor/lanes.ts";
import { runProgram } from "../tensor/program.ts";
import { tf } from "../tensor/tf.ts";
import code from "./block_sums.wgsl" with { type: "text" };

/** Rows that one lane adds. */
const ROW_BLOCK = 32;

/** Adds up the rows of a matrix. */
export function columnSum(x: tf.Tensor2D): tf.Tensor1D {
  if (!usesFused()) return tf.sum(x, 0);
  return tf.tidy(() => {
    let rows = x;
    while (rows.shape[0] > 1) rows = sumBlocks(rows);
    return tf.reshape(rows, [x.shape[1]]);
  });
}

function sumBlocks(x: tf.Tensor2D): tf.Tensor2D {
  const inputs = { x: { tensor: x, type: "V" } } as const;
  return blockSums({ name: "column_sum", label: "a sum over rows", inputs, term: "x[i]" }, x.shape);
}

/** What is added up over rows. */
export interface BlockProgram {
  /** Names the term. */
  readonly name: string;
  readonly label: string;
  /** By the names that the term has for them; `V` is what elements are read as. */
  readonly inputs: Readonly<Record<string, { tensor: tf.Tensor; type: "V" | "f32" | "vec2<f32>" }>>;
  /** WGSL of type `V`, of the element `i` of all and its `row`: "dY[i] * x[i]". */
  readonly term: string;
}

/** The sum over all rows of a term of [N, C] inputs: [C]. On webgpu alone. */
export function termSum(program: BlockProgram, shape: readonly [number, number]): tf.Tensor1D {
  const sums = blockSums(program, shape);
  const total = columnSum(sums);
  sums.dispose();
  return total;
}

/** The sums of each block of rows of [N, C] inputs: [N / ROW_BLOCK, C]. On webgpu alone. */
function blockSums(
  { name, label, inputs, term }: BlockProgram,
  [N, C]: readonly [number, number],
): tf.Tensor2D {
  const { lanes } = laneShape();
  const width = vectorWidth(C);
  const blocks = Math.ceil(N / ROW_BLOCK);
  const [sums] = runProgram({
    ...vectorSource(name, `${declarations(inputs, term)}\n${code}`, width),
    label,
    constants: { lanes, block: ROW_BLOCK },
    inputs: Object.values(inputs).map(({ tensor }) => tensor),
    outputs: [{ shape: [blocks, C] }],
    uniforms: [N, C / width],
    workgroups: [Math.ceil(C / width / lanes), blocks, 1],
  });
  return sums as tf.Tensor2D;
}

function declarations(inputs: BlockProgram["inputs"], term: string): string {
  const named = Object.entries(inputs);
  const read = named.map(([name, { type }], at) =>
    `@group(0) @binding(${at}) var<storage, read> ${name}: array<${type}>;`
  );
  return `${read.join("\n")}
@group(0) @binding(${named.length}) var<storage, read_write> sums: array<V>;
@group(0) @binding(${named.length + 1}) var<uniform> params: Params;
fn term(i: u32, row: u32) -> V { return ${term}; }`;
}
