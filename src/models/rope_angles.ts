/** The angles of rotary position embeddings: frequencies with their scaling, as transformers has it. */

import type { ModelConfig, RopeScaling } from "./config.ts";
import type { RopeTable } from "../ops/rope.ts";
import { tf } from "../tensor/tf.ts";

/** θ_i = ropeTheta^(-2i / D), scaled; [D / 2]. */
export function ropeFrequencies(config: ModelConfig): Float64Array {
  const { headDim, ropeTheta, ropeScaling } = config;
  return Float64Array.from(
    { length: headDim / 2 },
    (_, i) => scaleFrequency(ropeTheta ** (-2 * i / headDim), ropeScaling),
  );
}

/** Cosines and sines for positions 0..length-1, shared by every sequence: [1, T, 1, D / 2]. */
export function tableOfLength(frequencies: Float64Array, length: number): RopeTable {
  const positions = Int32Array.from({ length }, (_, position) => position);
  return makeTable(frequencies, positions, [1, length, 1, frequencies.length]);
}

/** Cosines and sines for one position a sequence: [B, 1, 1, D / 2]. */
export function tableAt(frequencies: Float64Array, positions: Int32Array): RopeTable {
  return makeTable(frequencies, positions, [positions.length, 1, 1, frequencies.length]);
}

function makeTable(
  frequencies: Float64Array,
  positions: Int32Array,
  shape: [number, number, number, number],
): RopeTable {
  const half = frequencies.length;
  const cos = new Float32Array(positions.length * half);
  const sin = new Float32Array(positions.length * half);
  positions.forEach((position, row) => {
    for (let i = 0; i < half; i++) {
      const angle = position * frequencies[i]!;
      cos[row * half + i] = Math.cos(angle);
      sin[row * half + i] = Math.sin(angle);
    }
  });
  return { cos: tf.tensor4d(cos, shape), sin: tf.tensor4d(sin, shape) };
}

function scaleFrequency(frequency: number, scaling: RopeScaling): number {
  if (scaling.ropeType === "default") return frequency;
  if (scaling.ropeType === "linear") return frequency / scaling.factor;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  const turns = originalMaxPositionEmbeddings * frequency / (2 * Math.PI);
  if (turns > highFreqFactor) return frequency;
  if (turns < lowFreqFactor) return frequency / factor;
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}
