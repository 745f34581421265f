/** What the attention programs of both families declare: bindings, parameters, log2, soft caps. */

import { tanhText } from "../tanh_text.ts";

/** What of `AttentionSettings` the text of a program depends on. */
export interface AttentionFeatures {
  /** Whether scores are capped. */
  readonly capped: boolean;
  /** Whether queries see a window, so that what sees a key need not be contiguous. */
  readonly windowed: boolean;
}

/** The names of bindings, the same in every program; y, logSums and the gradients are written. */
export type AttentionBinding =
  | "q"
  | "k"
  | "v"
  | "dY"
  | "ranges"
  | "statistics"
  | "y"
  | "logSums"
  | "dQ"
  | "dK"
  | "dV";

const TYPES: Readonly<Record<AttentionBinding, string>> = {
  q: "read> q: array<vec4<f32>>",
  k: "read> k: array<vec4<f32>>",
  v: "read> v: array<vec4<f32>>",
  dY: "read> dY: array<vec4<f32>>",
  ranges: "read> ranges: array<vec4<i32>>",
  statistics: "read> statistics: array<vec2<f32>>",
  y: "read_write> y: array<vec4<f32>>",
  logSums: "read_write> logSums: array<f32>",
  dQ: "read_write> dQ: array<vec4<f32>>",
  dK: "read_write> dK: array<vec4<f32>>",
  dV: "read_write> dV: array<vec4<f32>>",
};

/**
 * Declares bindings, numbered in this order, and after them `params`.
 *
 * @param texels Those that are read as texels.
 */
export function bindings(
  names: readonly AttentionBinding[],
  texels: readonly AttentionBinding[] = [],
): string {
  const declarations = names.map((name, i) =>
    texels.includes(name)
      ? `@group(0) @binding(${i}) var ${name}: texture_storage_2d<rgba32float, read>;`
      : `@group(0) @binding(${i}) var<storage, ${TYPES[name]};`
  );
  return `
override heads: u32;
override kvHeads: u32;
// scale: log2(e) rootScale, for scores as exponents of 2; rootScale: the factor on q kᵀ, 1 / √D
// unless the model has its own; softcap: of exponents too, log2(e) times the scores'.
struct Params { tokens: u32, scale: f32, rootScale: f32, softcap: f32 }
${declarations.join("\n")}
@group(0) @binding(${names.length}) var<uniform> params: Params;

// Drivers' log2 may be coarse; a Newton step brings it to the precision of exp2.
fn log2Of(x: f32) -> f32 {
  let y = log2(x);
  return y + (x * exp2(-y) - 1) * ${Math.LOG2E};
}`;
}

/** The constant that counts a tensor's heads. */
export function headsOf(name: AttentionBinding): "heads" | "kvHeads" {
  return name === "k" || name === "v" || name === "dK" || name === "dV" ? "kvHeads" : "heads";
}

/** The texts of capping scores of a type; without a cap, of nothing. */
export class CapText {
  readonly #type: string;
  readonly #capped: boolean;

  constructor(type: "f32" | "vec4<f32>", { capped }: AttentionFeatures) {
    this.#type = type;
    this.#capped = capped;
  }

  /** The functions that the others call. */
  get functions(): string {
    if (!this.#capped) return "";
    return `${tanhText(this.#type)}
fn cappedScore(x: ${this.#type}) -> ${this.#type} {
  return params.softcap * tanhOf(x / params.softcap);
}
fn capSlope(score: ${this.#type}) -> ${this.#type} {
  let part = score / params.softcap;
  return 1 - part * part;
}`;
  }

  /** The score that an exponent becomes. */
  of(exponent: string): string {
    return this.#capped ? `cappedScore(${exponent})` : exponent;
  }

  /** The factor that a gradient at a capped score is followed by. */
  slope(score: string): string {
    return this.#capped ? ` * capSlope(${score})` : "";
  }
}
