/**
 * How our programs spread over a device: how many lanes make a workgroup, how many elements each
 * takes, and whether elements are loaded four at a time. Results depend on it in the last bits
 * only, and it is fixed for a device.
 */

import { currentDevice } from "./device.ts";

/** Values of the `override` constants that the programs of src/ops share. */
export type LaneShape = {
  /** Lanes of a workgroup, a power of two. */
  lanes: number;
  /** Elements (or vectors) a lane takes in a program without rows. */
  perLane: number;
};

/**
 * A CPU driver runs a workgroup's lanes in one SIMD register after the other, and every lane costs
 * more to start than an element to compute; a GPU wants many lanes.
 */
const ON_CPU: LaneShape = { lanes: 8, perLane: 16 };
const ON_GPU: LaneShape = { lanes: 64, perLane: 4 };

/** The current device's shape. */
export function laneShape(): LaneShape {
  return currentDevice().adapter?.software ? ON_CPU : ON_GPU;
}

/** Elements a program loads at a time. */
export type VectorWidth = 1 | 4;

/** 4 where every given length is a multiple of it. */
export function vectorWidth(...lengths: number[]): VectorWidth {
  return lengths.every((length) => length % 4 === 0) ? 4 : 1;
}

/**
 * What a program in terms of vectors begins with: `V`, the vector; `width`, its elements; and
 * functions of one: `total` its sum, `largest`, `element(v, i)`, `basis(i)` with 1 at place i. It
 * keys as `name/width`.
 */
export function vectorSource(
  name: string,
  code: string,
  width: VectorWidth,
): { key: string; code: () => string } {
  return { key: `${name}/${width}`, code: () => `${VECTORS[width]}\n${code}` };
}

/**
 * WGSL of `lane_sum(lane, value)`: the values of a workgroup's lanes added up in an order that is
 * always the same; every lane gets the sum. Before another a `workgroupBarrier()` must stand. For
 * programs that declare `lanes`.
 */
export function laneSum(type: "f32" | "vec2<f32>"): string {
  return `
var<workgroup> lane_sums: array<${type}, lanes>;
fn lane_sum(lane: u32, value: ${type}) -> ${type} {
  lane_sums[lane] = value;
  workgroupBarrier();
  for (var half = lanes / 2; half > 0; half /= 2) {
    if (lane < half) { lane_sums[lane] += lane_sums[lane + half]; }
    workgroupBarrier();
  }
  return lane_sums[0];
}
`;
}

const VECTORS: Readonly<Record<VectorWidth, string>> = {
  1: `
alias V = f32;
const width = 1u;
fn total(v: V) -> f32 { return v; }
fn largest(v: V) -> f32 { return v; }
fn element(v: V, i: u32) -> f32 { return v; }
fn basis(i: u32) -> V { return 1; }`,
  4: `
alias V = vec4<f32>;
const width = 4u;
fn total(v: V) -> f32 { return (v.x + v.y) + (v.z + v.w); }
fn largest(v: V) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn element(v: V, i: u32) -> f32 { return v[i]; }
fn basis(i: u32) -> V { return V(vec4<u32>(i) == vec4<u32>(0, 1, 2, 3)); }`,
};
