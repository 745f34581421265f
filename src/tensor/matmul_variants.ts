/**
 * The ways to compute a matrix product, and which one a problem takes. Every way is right for
 * every problem; they differ in speed alone, as measured by the tuner or, before that, assumed.
 */

import { currentDevice } from "./device.ts";
import { MATMUL_TUNING, type Problem, problemClass } from "./matmul_problem.ts";
import type { RegisterTile } from "./matmul_registers.ts";
import { measuredSpeeds, type Speeds } from "./tuning.ts";

/** Registers only (matmul_registers.ts). */
export interface RegisterVariant {
  readonly family: "registers";
  readonly name: string;
  readonly tile: RegisterTile;
  /** Whether operands are copied into textures where their rows allow it. */
  readonly usesTexels: boolean;
}

/** Tiles in shared memory (matmul_shared.wgsl). */
export interface SharedVariant {
  readonly family: "shared";
  readonly name: string;
  readonly tile: SharedTile;
}

/** The constants of matmul_shared.wgsl. */
export interface SharedTile {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  /** Rows and columns a lane. */
  readonly tall: number;
  readonly wide: number;
}

/** One way. */
export type MatMulVariant = RegisterVariant | SharedVariant;

/** All ways, those first that a CPU driver is likely to take. */
export const MATMUL_VARIANTS: readonly MatMulVariant[] = [
  registers(8, 24, "rows", true),
  registers(8, 16, "rows", true),
  registers(4, 8, "columns", true),
  registers(8, 8, "rows", false),
  shared({ rows: 64, columns: 64, inner: 16, tall: 4, wide: 4 }),
  shared({ rows: 128, columns: 128, inner: 8, tall: 8, wide: 8 }),
  shared({ rows: 8, columns: 64, inner: 32, tall: 4, wide: 4 }),
];

/** Relative speeds until the tuner has measured: of Mesa's software driver, of a common GPU. */
const ASSUMED: Readonly<Record<"software" | "gpu", Speeds>> = {
  software: {
    "registers 8x24 rows texels": 100,
    "registers 8x16 rows texels": 94,
    "registers 4x8 columns texels": 60,
    "registers 8x8 rows": 25,
    "shared 64x64x16": 8,
    "shared 128x128x8": 8,
    "shared 8x64x32": 4,
  },
  gpu: {
    "shared 64x64x16": 100,
    "shared 128x128x8": 110,
    "shared 8x64x32": 50,
    "registers 8x8 rows": 10,
    "registers 4x8 columns texels": 5,
    "registers 8x16 rows texels": 5,
    "registers 8x24 rows texels": 5,
  },
};

/** The way that should take least time, counting what its tiles compute beyond the edges. */
export function chooseVariant(problem: Problem): MatMulVariant {
  if (forced) return forced;
  const speeds = measuredSpeeds(MATMUL_TUNING, problemClass(problem)) ?? assumedSpeeds();
  let best = MATMUL_VARIANTS[0]!;
  let least = Infinity;
  for (const variant of MATMUL_VARIANTS) {
    const cost = paddedSize(variant, problem) / (speeds[variant.name] ?? 0);
    if (cost < least) [best, least] = [variant, cost];
  }
  return best;
}

/** All ways, the one assumed to be quickest on the current adapter first. */
export function variantsBySpeed(): MatMulVariant[] {
  const speeds = assumedSpeeds();
  return [...MATMUL_VARIANTS].sort((a, b) => (speeds[b.name] ?? 0) - (speeds[a.name] ?? 0));
}

/** Makes every product take one way, for tests and measurements; undefined: choose again. */
export function forceVariant(variant: MatMulVariant | undefined): void {
  forced = variant;
}

let forced: MatMulVariant | undefined;

/** Rows and columns of the result one workgroup computes. */
export function workgroupTile(variant: MatMulVariant): { rows: number; columns: number } {
  if (variant.family === "shared") return variant.tile;
  const { rows, columns, lanes } = variant.tile;
  return lanes === "rows" ? { rows: rows * 8, columns } : { rows, columns: columns * 8 };
}

/** Values of the result that a way computes, those beyond the edges included. */
export function paddedSize(
  variant: MatMulVariant,
  { rows, columns }: { rows: number; columns: number },
): number {
  const tile = workgroupTile(variant);
  return Math.ceil(rows / tile.rows) * tile.rows * Math.ceil(columns / tile.columns) * tile.columns;
}

function assumedSpeeds(): Speeds {
  return ASSUMED[currentDevice().adapter?.software ? "software" : "gpu"];
}

function registers(
  rows: number,
  columns: number,
  lanes: "rows" | "columns",
  usesTexels: boolean,
): RegisterVariant {
  const name = `registers ${rows}x${columns} ${lanes}${usesTexels ? " texels" : ""}`;
  return { family: "registers", name, tile: { rows, columns, lanes }, usesTexels };
}

function shared(tile: SharedTile): SharedVariant {
  return { family: "shared", name: `shared ${tile.rows}x${tile.columns}x${tile.inner}`, tile };
}
