/**
 * Generates the matrix product that suits CPU drivers: every lane keeps a tile of the result in
 * registers, four steps of the inner dimension are unrolled, and there is no shared memory and no
 * barrier, both of which such a driver runs lane by lane.
 *
 * The lanes of a workgroup lie along one side of the result, so that the other side's values are
 * the same for all. Nothing is clamped: what lies beyond the edge feeds results that are not
 * stored. Only an inner dimension that is no multiple of four is masked, in every step.
 */

import type { MatrixFormat } from "./packed_format.ts";
import { readerSource } from "./packed_source.ts";

/** Whether a stored row of an operand runs along the inner dimension, or along the result. */
export type Along = "inner" | "outer";

/** How a program reads an operand: as texels, as a buffer of vectors, as a buffer of scalars. */
export interface OperandAccess {
  readonly kind: "texels" | "vectors" | "scalars";
  readonly along: Along;
  /** What the program reads: of texels that were unpacked on the way, "f32". */
  readonly format: MatrixFormat;
}

/** The part of the result a lane keeps, and the side the lanes lie along. */
export interface RegisterTile {
  /** A multiple of 4. */
  readonly rows: number;
  /** A multiple of 4. */
  readonly columns: number;
  readonly lanes: "rows" | "columns";
}

/** What a program is generated for. */
export interface RegisterKernel {
  readonly tile: RegisterTile;
  readonly a: OperandAccess;
  readonly b: OperandAccess;
  /** The inner dimension is no multiple of 4. */
  readonly isRagged: boolean;
  /** Rows of the result start at multiples of 4, and so does its width. */
  readonly storesVectors: boolean;
  /** Adds to what the result holds. */
  readonly accumulates: boolean;
}

/** Lanes of a workgroup: one SIMD register of a CPU driver. */
export const REGISTER_LANES = 8;

/** Params of every matrix product; lengths and places in values. */
export const MATMUL_PARAMS = `struct Params {
  rows: u32,
  inner: u32,
  columns: u32,
  aStart: u32,
  aStride: u32,
  bStart: u32,
  bStride: u32,
  outStart: u32,
  outStride: u32,
}`;

/** Names the code of a kernel. */
export function registerKernelKey({ tile, a, b, ...flags }: RegisterKernel): string {
  const operand = ({ kind, along, format }: OperandAccess) => `${kind}-${along}-${format}`;
  const { isRagged, storesVectors, accumulates } = flags;
  const suffix = `${isRagged ? "r" : ""}${storesVectors ? "v" : ""}${accumulates ? "+" : ""}`;
  const size = `${tile.rows}x${tile.columns}-${tile.lanes}`;
  return `matmul/registers/${size}/${operand(a)}/${operand(b)}/${suffix}`;
}

/** The WGSL of a kernel. */
export function registerKernelCode(kernel: RegisterKernel): string {
  const { tile, a, b, isRagged, storesVectors } = kernel;
  const [along, across] = tile.lanes === "rows" ? ["row", "column"] : ["column", "row"];
  const [alongTile, acrossTile] = tile.lanes === "rows"
    ? [tile.rows, tile.columns]
    : [tile.columns, tile.rows];
  return `${MATMUL_PARAMS}
${operandSource("a", 0, a)}
${operandSource("b", 1, b)}
@group(0) @binding(2) var<storage, read_write> y: array<${storesVectors ? "vec4<f32>" : "f32"}>;
@group(0) @binding(3) var<uniform> params: Params;
const steps = vec4<u32>(0, 1, 2, 3);

@compute @workgroup_size(${REGISTER_LANES})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let ${along} = (group.x * ${REGISTER_LANES} + lane) * ${alongTile};
  let ${across} = group.y * ${acrossTile};
  if (row >= params.rows || column >= params.columns) { return; }
${sumLines(tile)}
  for (var k = 0u; k < (params.inner + 3) / 4; k++) {
${loadLines("a", "row", tile.rows, a, isRagged)}
${loadLines("b", "column", tile.columns, b, isRagged)}
${productLines(kernel)}
  }
${storeLines(kernel)}
}`;
}

function sumLines({ rows, columns }: RegisterTile): string {
  return Array.from(
    { length: rows * columns },
    (_, n) => `  var y${Math.floor(n / columns)}_${n % columns} = 0f;`,
  ).join("\n");
}

/** A binding and `fetch`: the four values x of a stored row y. */
function operandSource(name: "a" | "b", binding: number, access: OperandAccess): string {
  const { kind, format } = access;
  const signature = `fn fetch_${name}(x: u32, y: u32) -> vec4<f32>`;
  if (kind === "texels") {
    const texel = format === "f32" ? "rgba32float" : "rgba16float";
    return `@group(0) @binding(${binding}) var ${name}: texture_storage_2d<${texel}, read>;
${signature} { return textureLoad(${name}, vec2<u32>(x, y)); }`;
  }
  const place = `params.${name}Start + y * params.${name}Stride + 4 * x`;
  if (kind === "vectors") {
    return `${readerSource(name, binding, format, 4)}
${signature} { return ${name}_at(${place}); }`;
  }
  const values = [0, 1, 2, 3].map((q) => `${name}_at(i + ${q})`);
  return `${readerSource(name, binding, format, 1)}
${signature} { let i = ${place}; return vec4<f32>(${values.join(", ")}); }`;
}

/** Loads the values of four inner steps for `count` rows or columns. */
function loadLines(
  name: "a" | "b",
  origin: "row" | "column",
  count: number,
  { along }: OperandAccess,
  isRagged: boolean,
): string {
  if (along === "inner") {
    return Array.from({ length: count }, (_, i) => {
      const value = `fetch_${name}(k, ${origin} + ${i})`;
      return `    let ${name}${i} = ${
        masked(value, "4 * k + steps < vec4(params.inner)", isRagged)
      };`;
    }).join("\n");
  }
  return [0, 1, 2, 3].flatMap((q) =>
    Array.from({ length: count / 4 }, (_, i) => {
      const value = `fetch_${name}(${origin} / 4 + ${i}, 4 * k + ${q})`;
      return `    let ${name}${q}_${i} = ${
        masked(value, `4 * k + ${q} < params.inner`, isRagged)
      };`;
    })
  ).join("\n");
}

function masked(value: string, condition: string, isRagged: boolean): string {
  return isRagged ? `select(vec4<f32>(), ${value}, ${condition})` : value;
}

/** The name of one loaded value: of row or column `i` in inner step `q`. */
function valueName(name: "a" | "b", { along }: OperandAccess, i: number, q: number): string {
  const component = (c: number) => "xyzw"[c]!;
  if (along === "inner") return `${name}${i}.${component(q)}`;
  return `${name}${q}_${Math.floor(i / 4)}.${component(i % 4)}`;
}

/**
 * Four rows at a time pass along all columns, so that a column's values are loaded from the stack
 * once for four rows; a result's four products are summed in pairs before they are added, which is
 * quicker than one after the other and nearer to the true sum.
 */
function productLines({ tile, a, b }: RegisterKernel): string {
  const lines: string[] = [];
  for (let i = 0; i < tile.rows; i += 4) {
    for (let j = 0; j < tile.columns; j++) {
      for (const row of [i, i + 1, i + 2, i + 3]) {
        const [p, q, r, t] = [0, 1, 2, 3].map((step) =>
          `${valueName("a", a, row, step)} * ${valueName("b", b, j, step)}`
        );
        lines.push(`    y${row}_${j} += (${p} + ${q}) + (${r} + ${t});`);
      }
    }
  }
  return lines.join("\n");
}

function storeLines({ tile, storesVectors, accumulates }: RegisterKernel): string {
  const operator = accumulates ? "+=" : "=";
  const width = storesVectors ? 4 : 1;
  const rows = Array.from({ length: tile.rows }, (_, i) => {
    const stores = Array.from({ length: tile.columns / width }, (_, at) => {
      const names = Array.from({ length: width }, (_, q) => `y${i}_${at * width + q}`);
      const value = storesVectors ? `vec4<f32>(${names.join(", ")})` : names[0];
      return `    if (column + ${
        at * width
      } < params.columns) { y[at + ${at}] ${operator} ${value}; }`;
    });
    return `  if (row + ${i} < params.rows) {
    let at = (params.outStart + (row + ${i}) * params.outStride + column) / ${width};
${stores.join("\n")}
  }`;
  });
  return rows.join("\n");
}
