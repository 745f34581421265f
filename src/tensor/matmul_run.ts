/**
 * Encodes a matrix product in a given way. Operands that are read as texels go through in blocks,
 * so that their copies stay small whatever the size of the matrices.
 */

import { boundRows, type StoredRows } from "./bound_rows.ts";
import type { Along, OperandAccess, RegisterKernel } from "./matmul_registers.ts";
import {
  MATMUL_PARAMS,
  REGISTER_LANES,
  registerKernelCode,
  registerKernelKey,
} from "./matmul_registers.ts";
import type { Operand, Problem, StoredMatrix } from "./matmul_problem.ts";
import sharedCode from "./matmul_shared.wgsl" with { type: "text" };
import type { MatMulVariant, RegisterVariant, SharedVariant } from "./matmul_variants.ts";
import { workgroupTile } from "./matmul_variants.ts";
import { BLOCK_LAYOUTS } from "./packed_format.ts";
import { readerSource } from "./packed_source.ts";
import type { PipelineSource } from "./pipelines.ts";
import { type Binding, runProgram } from "./program.ts";
import { fitsTexels, type ScratchTexels, type TexelView } from "./texels.ts";
import { unpackTexels } from "./unpack.ts";

/** The rows and columns of the result, and the inner steps, that one dispatch takes. */
interface Block {
  readonly row: number;
  readonly rows: number;
  readonly inner: number;
  readonly steps: number;
  readonly column: number;
  readonly columns: number;
  readonly accumulates: boolean;
}

/** Mesa's software driver leaves any loop after 65,535 turns; kernels take 4 steps a turn. */
const MOST_STEPS = 2 ** 17;
/** Of copied operands: more would push each other out of a CPU's cache. */
const COPIED_STEPS = 2048;
/** A texture has at least this many texels a side; a copy of an operand takes 32 MiB at most. */
const MOST_TEXELS = 8192;
const MOST_COPIED = 2 ** 23;
/** What is unpacked stays in the cache until it is read; its texels take 8 MiB at most. */
const MOST_UNPACKED = 2 ** 21;
/** Packed values that are read no more often are quicker read as they are than unpacked first. */
const FEW_READS = 32;

/** Writes the product to `y` [rows, columns], or adds it to what `y` holds. */
export function encodeMatMul(
  problem: Problem,
  variant: MatMulVariant,
  y: StoredMatrix,
  accumulates: boolean,
): void {
  const run = variant.family === "shared" ? encodeShared : encodeRegisters;
  for (const block of blocksOf(problem, variant, accumulates)) {
    run(problem, block, variant as RegisterVariant & SharedVariant, y);
  }
}

function* blocksOf(
  { rows, inner, columns, a, b }: Problem,
  variant: MatMulVariant,
  accumulates: boolean,
): Generator<Block> {
  const isCopied = variant.family === "registers" && variant.usesTexels;
  const steps = Math.min(inner, isCopied ? COPIED_STEPS : MOST_STEPS);
  const most = [a, b].some(({ format }) => format !== "f32") ? MOST_UNPACKED : MOST_COPIED;
  const side = isCopied ? Math.min(MOST_TEXELS, powerOfTwoUpTo(most / steps)) : Infinity;
  for (let k = 0; k < inner; k += steps) {
    for (let row = 0; row < rows; row += side) {
      for (let column = 0; column < columns; column += side) {
        yield {
          row,
          rows: Math.min(side, rows - row),
          inner: k,
          steps: Math.min(steps, inner - k),
          column,
          columns: Math.min(side, columns - column),
          accumulates: accumulates || k > 0,
        };
      }
    }
  }
}

function powerOfTwoUpTo(n: number): number {
  return 2 ** Math.floor(Math.log2(n));
}

function encodeRegisters(
  problem: Problem,
  block: Block,
  { tile, usesTexels }: RegisterVariant,
  y: StoredMatrix,
): void {
  const { rows, steps, columns, accumulates } = block;
  const [partA, partB] = [
    partOf(problem.a, block.row, rows, block),
    partOf(problem.b, block.column, columns, block),
  ];
  const a = usesTexels ? texelsOf(partA, 0, columns) : bufferOf(partA);
  const b = usesTexels ? texelsOf(partB, 1, rows) : bufferOf(partB);
  const kernel: RegisterKernel = {
    tile,
    a: a.access,
    b: b.access,
    isRagged: steps % 4 !== 0,
    storesVectors: [y.start, y.stride, columns].every((place) => place % 4 === 0),
    accumulates,
  };
  const [alongRows, alongColumns] = [
    Math.ceil(rows / tile.rows),
    Math.ceil(columns / tile.columns),
  ];
  const workgroups = tile.lanes === "rows"
    ? [Math.ceil(alongRows / REGISTER_LANES), alongColumns, 1] as const
    : [Math.ceil(alongColumns / REGISTER_LANES), alongRows, 1] as const;
  const source = { key: registerKernelKey(kernel), code: () => registerKernelCode(kernel) };
  encode(block, source, [a, b], workgroups, y);
}

/** What a block takes of an operand. */
interface Part extends StoredRows {
  readonly along: Along;
}

function partOf(operand: Operand, outer: number, outers: number, block: Block): Part {
  const { along, start, stride } = operand;
  const [row, height, column, length] = along === "inner"
    ? [outer, outers, block.inner, block.steps]
    : [block.inner, block.steps, outer, outers];
  return { ...operand, start: start + row * stride + column, height, length };
}

/** A part as a program is given it. */
interface Input {
  readonly access: OperandAccess;
  readonly input: Binding | TexelView | ScratchTexels;
  /** Where the part starts in what is bound, in values. */
  readonly start: number;
  readonly stride: number;
}

/**
 * Binds a part as texels: its tensor's own where that can be copied, else unpacked ones where they
 * are read often enough. As a buffer where neither is possible.
 *
 * @param slot The operand's number.
 * @param reads How often each of its values is read: the rows, or columns, on the other side.
 */
function texelsOf(part: Part, slot: number, reads: number): Input {
  const { tensor, format, along, start, stride, height, length } = part;
  if (format === "f32" || format === "f16") {
    const perElement = BLOCK_LAYOUTS[format].values;
    const view: TexelView = {
      texels: tensor,
      width: Math.ceil(length / 4),
      height,
      stride: stride / perElement,
      start: start / perElement,
      format: format === "f16" ? "rgba16float" : "rgba32float",
    };
    if (fitsTexels(view)) {
      return { access: { kind: "texels", along, format }, input: view, start: 0, stride };
    }
  }
  const isWhole = [start, stride, length].every((place) => place % 4 === 0);
  if (format === "f32" || !isWhole || reads <= FEW_READS) return bufferOf(part);
  const access = { kind: "texels", along, format: "f32" } as const;
  return { access, input: unpackTexels(part, slot), start: 0, stride };
}

function bufferOf(part: Part): Input {
  const { along, format, start, stride } = part;
  const kind = stride % 4 === 0 && start % 4 === 0 ? "vectors" : "scalars";
  return { access: { kind, along, format }, ...boundRows(part), stride };
}

function encodeShared(
  problem: Problem,
  block: Block,
  { tile, name }: SharedVariant,
  y: StoredMatrix,
): void {
  const { a, b } = problem;
  const { accumulates } = block;
  const flags = `${a.along}-${a.format}/${b.along}-${b.format}/${accumulates ? "+" : ""}`;
  const group = workgroupTile({ family: "shared", name, tile });
  encode(
    block,
    {
      key: `matmul/${name}/${flags}`,
      code: () => [MATMUL_PARAMS, sharedHeader(problem, tile, accumulates), sharedCode].join("\n"),
    },
    [
      bufferOf(partOf(a, block.row, block.rows, block)),
      bufferOf(partOf(b, block.column, block.columns, block)),
    ],
    [Math.ceil(block.columns / group.columns), Math.ceil(block.rows / group.rows), 1],
    y,
  );
}

function sharedHeader(
  { a, b }: Problem,
  tile: SharedVariant["tile"],
  accumulates: boolean,
): string {
  return `${readerSource("a", 0, a.format, 1)}
${readerSource("b", 1, b.format, 1)}
const ROWS = ${tile.rows}u;
const COLUMNS = ${tile.columns}u;
const INNER = ${tile.inner}u;
const TALL = ${tile.tall}u;
const WIDE = ${tile.wide}u;
const A_INNER = ${a.along === "inner"};
const B_INNER = ${b.along === "inner"};
const ACCUMULATE = ${accumulates};`;
}

function encode(
  block: Block,
  source: PipelineSource,
  [a, b]: readonly [Input, Input],
  workgroups: readonly [number, number, number],
  y: StoredMatrix,
): void {
  const { rows, steps, columns } = block;
  const out = boundRows({
    ...y,
    start: y.start + block.row * y.stride + block.column,
    height: rows,
    length: columns,
  });
  runProgram({
    ...source,
    label: "matmul",
    inputs: [a.input, b.input],
    inPlace: [out.input],
    uniforms: [
      rows,
      steps,
      columns,
      a.start,
      a.stride,
      b.start,
      b.stride,
      out.start,
      y.stride,
    ],
    workgroups,
  });
}
