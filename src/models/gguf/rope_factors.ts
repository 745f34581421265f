/**
 * Llama 3's rotary scaling as llama.cpp keeps it: not by its parameters but by what each frequency
 * is divided by, in the tensor rope_freqs.weight.
 */

import { llama3Frequency, type Scaling } from "../rope_angles.ts";

type Llama3Scaling = Scaling<"llama3">;

/** What all published models have. */
const LOW_FREQ_FACTOR = 1;
const HIGH_FREQ_FACTOR = 4;
/** Theirs too, where no frequency lies between the two and tells the length. */
const ORIGINAL_LENGTH = 8192;
const TOLERANCE = 1e-5;

/** What each frequency is divided by, [headDim / 2]. */
export function ropeFactors(scaling: Llama3Scaling, theta: number, headDim: number): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = frequencyOf(i, theta, headDim);
    return frequency / llama3Frequency(frequency, scaling);
  });
}

/** The scaling that gives these factors, or undefined where Llama 3's formula does not. */
export function scalingOf(factors: Float32Array, theta: number): Llama3Scaling | undefined {
  const headDim = 2 * factors.length;
  const factor = Number(Math.max(...factors).toPrecision(6));
  const lengths = [...factors].map((value, i) => {
    // Between the two, 1 / value = (1 - smooth) / factor + smooth.
    const smooth = (1 / value - 1 / factor) / (1 - 1 / factor);
    const turns = LOW_FREQ_FACTOR + smooth * (HIGH_FREQ_FACTOR - LOW_FREQ_FACTOR);
    return Math.round(2 * Math.PI * turns / frequencyOf(i, theta, headDim));
  }).filter((_, i) => factors[i]! > 1.01 && factors[i]! < 0.99 * factor);
  return [...lengths, ORIGINAL_LENGTH]
    .map((originalMaxPositionEmbeddings): Llama3Scaling => ({
      ropeType: "llama3",
      factor,
      lowFreqFactor: LOW_FREQ_FACTOR,
      highFreqFactor: HIGH_FREQ_FACTOR,
      originalMaxPositionEmbeddings,
    }))
    .find((scaling) =>
      ropeFactors(scaling, theta, headDim)
        .every((value, i) => Math.abs(value - factors[i]!) <= TOLERANCE * value)
    );
}

function frequencyOf(i: number, theta: number, headDim: number): number {
  return theta ** (-2 * i / headDim);
}
