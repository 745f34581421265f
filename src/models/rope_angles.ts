/** The angles of rotary position embeddings: frequencies with their scaling, as transformers has it. */

import type { ModelConfig, RopeScaling } from "./config.ts";
import type { RopeTable } from "../ops/rope.ts";
import { sizeClass } from "../tensor/size_class.ts";
import { tf } from "../tensor/tf.ts";

/** Cosines and sines by position, computed once a position and kept on the host. */
export class RopeAngles {
  /** θ_i = ropeTheta^(-2i / D), scaled; [D / 2]. */
  readonly #frequencies: Float64Array;
  /** [P, D / 2] of the positions known so far. */
  #cos = new Float32Array(0);
  #sin = new Float32Array(0);

  /** Takes head size, theta and scaling of a model. */
  constructor({ headDim, ropeTheta, ropeScaling }: ModelConfig) {
    this.#frequencies = Float64Array.from(
      { length: headDim / 2 },
      (_, i) => scaleFrequency(ropeTheta ** (-2 * i / headDim), ropeScaling),
    );
  }

  /** The table of all positions up to the last of some: [1, P, 1, D / 2], P a size class. */
  tableFor(positions: Int32Array): RopeTable {
    const last = positions.reduce((a, b) => Math.max(a, b), 0);
    return this.tableAt(Int32Array.from({ length: sizeClass(last + 1) }, (_, i) => i));
  }

  /** The table of some positions, in their order: [1, P, 1, D / 2]. */
  tableAt(positions: Int32Array): RopeTable {
    this.#know(positions.reduce((a, b) => Math.max(a, b), 0) + 1);
    const half = this.#frequencies.length;
    const take = (known: Float32Array): tf.Tensor4D => {
      const rows = new Float32Array(positions.length * half);
      positions.forEach((position, row) =>
        rows.set(known.subarray(position * half, (position + 1) * half), row * half)
      );
      return tf.tensor4d(rows, [1, positions.length, 1, half]);
    };
    return { cos: take(this.#cos), sin: take(this.#sin) };
  }

  #know(positions: number): void {
    const half = this.#frequencies.length;
    const known = this.#cos.length / half;
    if (positions <= known) return;
    const size = Math.max(positions, 2 * known);
    const [cos, sin] = [new Float32Array(size * half), new Float32Array(size * half)];
    for (let position = 0; position < size; position++) {
      for (let i = 0; i < half; i++) {
        const angle = position * this.#frequencies[i]!;
        cos[position * half + i] = Math.cos(angle);
        sin[position * half + i] = Math.sin(angle);
      }
    }
    [this.#cos, this.#sin] = [cos, sin];
  }
}

/** A frequency as a model's scaling changes it. */
export function scaleFrequency(frequency: number, scaling: RopeScaling): number {
  if (scaling.ropeType === "default") return frequency;
  if (scaling.ropeType === "linear") return frequency / scaling.factor;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  const turns = originalMaxPositionEmbeddings * frequency / (2 * Math.PI);
  if (turns > highFreqFactor) return frequency;
  if (turns < lowFreqFactor) return frequency / factor;
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}
