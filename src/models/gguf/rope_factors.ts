/**
 * Llama 3's rotary scaling as llama.cpp keeps it: not by its parameters but by what each frequency
 * is divided by, in the tensor rope_freqs.weight.
 */

import type { RopeScaling } from "../config.ts";
import { scaleFrequency } from "../rope_angles.ts";

type Llama3Scaling = Extract<RopeScaling, { ropeType: "llama3" }>;

/** Original lengths to try, the published models' first. */
const ORIGINAL_LENGTHS = [8192, 4096, 2048, 16_384, 32_768];
const TOLERANCE = 1e-5;

/** What each frequency is divided by, [headDim / 2]. */
export function ropeFactors(scaling: RopeScaling, theta: number, headDim: number): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = theta ** (-2 * i / headDim);
    return frequency / scaleFrequency(frequency, scaling);
  });
}

/** The scaling that gives these factors, or undefined where Llama 3's formula does not. */
export function scalingOf(factors: Float32Array, theta: number): Llama3Scaling | undefined {
  const factor = Number(Math.max(...factors).toPrecision(6));
  return ORIGINAL_LENGTHS
    .map((originalMaxPositionEmbeddings): Llama3Scaling => ({
      ropeType: "llama3",
      factor,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositionEmbeddings,
    }))
    .find((scaling) =>
      ropeFactors(scaling, theta, 2 * factors.length)
        .every((value, i) => Math.abs(value - factors[i]!) <= TOLERANCE * value)
    );
}
