/**
 * Merges LoRA branches into the weights beside them: W + s B A, added up in float64 and rounded to
 * float32 once, on the host, so that the result is the same on every machine.
 *
 * A tied head and embedding of which either has a branch are one weight no longer: the merged model
 * has both, with tie_word_embeddings off.
 */

import type { TensorSource } from "../../weights/write_safetensors.ts";
import type { LoraDelta } from "./lora.ts";
import { HEAD_MODULE } from "./settings.ts";

/** Merged weights, to be written. */
export interface MergedWeights {
  readonly tensors: Map<string, TensorSource>;
  /** Whether a tied head became a weight of its own. */
  readonly untied: boolean;
}

/**
 * Gives a model's weights with branches merged.
 *
 * @param shapes The base's weights.
 * @param read Reads one of them; asked for when its turn comes.
 */
export function mergedWeights(
  shapes: ReadonlyMap<string, readonly number[]>,
  read: (name: string) => Promise<Float32Array>,
  deltas: readonly LoraDelta[],
): MergedWeights {
  const headWeight = `${HEAD_MODULE}.weight`;
  const tied = shapes.has(headWeight)
    ? undefined
    : deltas.find(({ module }) => module.kind !== "linear")?.module.weight;
  const tensors = new Map<string, TensorSource>();
  const add = (name: string, shape: readonly number[], from: string, own: LoraDelta[]) =>
    tensors.set(name, {
      shape,
      values: async () => {
        const values = await read(from);
        // What is read may be the device's own memory.
        return own.length > 0 ? own.reduce(plusDelta, values.slice()) : values;
      },
    });
  for (const [name, shape] of shapes) {
    const isLookedUp = name === tied;
    add(
      name,
      shape,
      name,
      deltas.filter(({ module }) =>
        module.weight === name && (!isLookedUp || module.kind === "embedding")
      ),
    );
  }
  if (tied !== undefined) {
    const heads = deltas.filter(({ module }) => module.kind === "head");
    add(headWeight, shapes.get(tied)!, tied, heads);
  }
  return { tensors, untied: tied !== undefined };
}

/** Adds s B A to a weight in place, row by row. */
function plusDelta(weight: Float32Array, delta: LoraDelta): Float32Array {
  const { module: { shape, kind, isTransposed }, r, scale } = delta;
  const [rows, columns] = isTransposed ? [shape[1], shape[0]] : shape;
  // Of what is stored the other way round, the change is (B A)ᵀ = Aᵀ Bᵀ.
  const [left, right] = kind === "embedding" || isTransposed
    ? [transposed(delta.loraA, r), transposed(delta.loraB, columns)]
    : [delta.loraB, delta.loraA];
  const change = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    change.fill(0);
    for (let k = 0; k < r; k++) {
      const factor = left[row * r + k]!;
      if (factor === 0) continue;
      for (let c = 0; c < columns; c++) change[c]! += factor * right[k * columns + c]!;
    }
    const start = row * columns;
    for (let c = 0; c < columns; c++) weight[start + c] = weight[start + c]! + scale * change[c]!;
  }
  return weight;
}

/** [rows, n] -> [n, rows]. */
function transposed(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  const result = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j]!;
  }
  return result;
}
