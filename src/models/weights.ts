/** A model's weights on the device: as float32 variables, or frozen and packed in fewer bits. */

import { type PackedFormat, type PackedMatrix, unpackValues } from "../tensor/packed_matrix.ts";
import { BLOCK_LAYOUTS } from "../tensor/packed_format.ts";
import { readFloats } from "../tensor/readback.ts";
import { tf } from "../tensor/tf.ts";
import type { CausalLM } from "./model.ts";

/** How frozen weights are kept. */
export type Quantization = "none" | PackedFormat;

/** Weights by the checkpoint's names, each in one of the two. */
export interface ModelWeights {
  readonly floats: ReadonlyMap<string, tf.Variable>;
  readonly packed: ReadonlyMap<string, PackedMatrix>;
}

/** Weights of float32 alone. */
export function floatWeights(floats: ReadonlyMap<string, tf.Variable>): ModelWeights {
  return { floats, packed: new Map() };
}

/**
 * The format a frozen weight is kept in. Of int8 and nf4 that is, as with bitsandbytes, linear
 * layers alone: embeddings and heads are kept in f16. What a format cannot hold whole (int8 and nf4
 * rows of no multiple of 64 values, f16 odd ones) falls to the next that can.
 *
 * @param isLinear Whether it is a linear layer's weight.
 */
export function formatOf(
  shape: readonly number[],
  quantization: Quantization,
  isLinear: boolean,
): PackedFormat | undefined {
  if (quantization === "none" || shape.length !== 2) return undefined;
  const wanted: PackedFormat[] = quantization === "f16" || !isLinear
    ? ["f16"]
    : [quantization, "f16"];
  return wanted.find((format) => shape[1]! % BLOCK_LAYOUTS[format].values === 0);
}

/** Reads a weight back, unpacked. */
export async function readWeight(weights: ModelWeights, name: string): Promise<Float32Array> {
  const packed = weights.packed.get(name);
  if (!packed) return await readFloats(weights.floats.get(name)!);
  const words = await packed.rowsOf.data<"int32">();
  return unpackValues(words.slice(), packed.format);
}

/** Shapes of all weights. */
export function weightShapes({ floats, packed }: ModelWeights): Map<string, readonly number[]> {
  return new Map([...floats, ...packed].map(([name, { shape }]) => [name, shape]));
}

/** Frees the weights. */
export function disposeWeights({ floats, packed }: ModelWeights): void {
  tf.dispose([...floats.values()]);
  for (const matrix of packed.values()) matrix.dispose();
}

/** What a model's weights take, in bytes: float32 ones, packed ones as they are kept, branches. */
export function weightBytes({ parameters, packed, lora }: CausalLM): number {
  const floats = [...parameters.values(), ...lora?.variables.values() ?? []];
  const matrices = [...packed?.values() ?? []];
  return floats.reduce((sum, { size }) => sum + 4 * size, 0) +
    matrices.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** How many weights a model has and how many of them train, and how many are kept in which format. */
export function weightCounts({ parameters, packed = new Map(), trainable }: CausalLM): {
  parameters: number;
  trainableParameters: number;
  weightFormats: Record<string, number>;
} {
  const weightFormats: Record<string, number> = {};
  const count = (format: string, shape: readonly number[]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    weightFormats[format] = (weightFormats[format] ?? 0) + size;
    return size;
  };
  let total = 0;
  for (const { shape } of parameters.values()) total += count("f32", shape);
  for (const { shape, format } of packed.values()) total += count(format, shape);
  const trainableParameters = [...trainable.values()].reduce((sum, { size }) => sum + size, 0);
  return { parameters: total, trainableParameters, weightFormats };
}
