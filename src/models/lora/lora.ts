/**
 * A model's LoRA branches: their tensors on the device, which are all that trains, by PEFT's names;
 * and on the host, as they are made, read and merged. Which modules: settings.ts. Files:
 * files.ts.
 */

import { Rng } from "../../base/rng.ts";
import type { Dropout } from "../../ops/dropout.ts";
import type { LoraBranch } from "../../ops/linear/lora.ts";
import { readFloats } from "../../tensor/readback.ts";
import { tf } from "../../tensor/tf.ts";
import { branchNumbers, type LoraModule, type LoraSettings } from "./settings.ts";
import type { TrainingPass } from "../model.ts";

/** One module's branch, on the host. */
export interface LoraDelta {
  readonly module: LoraModule;
  readonly r: number;
  /** s: the weight's change is s B A. */
  readonly scale: number;
  /** [r, in]; of an embedding [r, V]. */
  readonly loraA: Float32Array;
  /** [out, r]; of an embedding [C, r]. */
  readonly loraB: Float32Array;
}

/** Names and shapes of a branch's two tensors, as PEFT has them. */
export interface BranchTensors {
  readonly nameA: string;
  readonly nameB: string;
  readonly shapeA: [number, number];
  readonly shapeB: [number, number];
}

/** Gives the names and shapes of a module's branch of rank r. */
export function branchTensors({ name, kind, shape }: LoraModule, r: number): BranchTensors {
  const prefix = `base_model.model.${name}`;
  const [rows, columns] = shape;
  return kind === "embedding"
    ? {
      nameA: `${prefix}.lora_embedding_A`,
      nameB: `${prefix}.lora_embedding_B`,
      shapeA: [r, rows],
      shapeB: [columns, r],
    }
    : {
      nameA: `${prefix}.lora_A.weight`,
      nameB: `${prefix}.lora_B.weight`,
      shapeA: [r, columns],
      shapeB: [rows, r],
    };
}

/**
 * Makes new branches, which change nothing yet, by PEFT's rules: A uniform within 1 / sqrt(in), B
 * zeros; of an embedding A zeros, B standard normal.
 *
 * @param seed With a tensor's name it decides the tensor's values.
 */
export function newDeltas(
  modules: readonly LoraModule[],
  settings: LoraSettings,
  seed: string,
): LoraDelta[] {
  return modules.map((module) => {
    const { r, scale } = branchNumbers(settings, module.name);
    const { nameA, nameB, shapeA, shapeB } = branchTensors(module, r);
    const isEmbedding = module.kind === "embedding";
    const rng = Rng.fromSeed(`${seed}/${isEmbedding ? nameB : nameA}`);
    const bound = 1 / Math.sqrt(module.shape[1]);
    const draw = isEmbedding ? () => rng.normal() : () => bound * (2 * rng.next() - 1);
    const [a, b] = [
      new Float32Array(shapeA[0] * shapeA[1]),
      new Float32Array(shapeB[0] * shapeB[1]),
    ];
    const drawn = isEmbedding ? b : a;
    for (let i = 0; i < drawn.length; i++) drawn[i] = draw();
    return { module, r, scale, loraA: a, loraB: b };
  });
}

interface Adapter {
  readonly delta: Omit<LoraDelta, "loraA" | "loraB">;
  readonly a: tf.Variable;
  readonly b: tf.Variable;
}

/** A model's branches on the current device; owns their tensors. */
export class LoraAdapters {
  /** The modules that have a branch. */
  readonly modules: readonly LoraModule[];
  /** What trains, by PEFT's names. */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly #byModule = new Map<string, Adapter>();
  #pass?: TrainingPass;

  /** Puts branches on the device. */
  constructor(readonly settings: LoraSettings, deltas: readonly LoraDelta[]) {
    const variables = new Map<string, tf.Variable>();
    for (const { loraA, loraB, ...delta } of deltas) {
      const { nameA, nameB, shapeA, shapeB } = branchTensors(delta.module, delta.r);
      const [a, b] = [variableOf(loraA, shapeA), variableOf(loraB, shapeB)];
      variables.set(nameA, a).set(nameB, b);
      this.#byModule.set(delta.module.name, { delta, a, b });
    }
    this.variables = variables;
    this.modules = deltas.map(({ module }) => module);
  }

  /** The branch beside a module; undefined where there is none. */
  branch(module: string): LoraBranch | undefined {
    const adapter = this.#byModule.get(module);
    return adapter && {
      loraA: adapter.a as tf.Tensor as tf.Tensor2D,
      loraB: adapter.b as tf.Tensor as tf.Tensor2D,
      scale: adapter.delta.scale,
      dropout: adapter.delta.module.kind === "embedding" ? undefined : this.#dropoutOf(module),
    };
  }

  /** Runs `f` as a part of a pass; only in a pass of training is anything dropped. */
  during<T>(pass: TrainingPass | undefined, f: () => T): T {
    this.#pass = pass;
    try {
      return f();
    } finally {
      this.#pass = undefined;
    }
  }

  /** Reads the branches back. */
  async deltas(): Promise<LoraDelta[]> {
    const deltas: LoraDelta[] = [];
    for (const { delta, a, b } of this.#byModule.values()) {
      const [loraA, loraB] = await Promise.all([readFloats(a), readFloats(b)]);
      deltas.push({ ...delta, loraA, loraB });
    }
    return deltas;
  }

  /** Frees the tensors. */
  dispose(): void {
    tf.dispose([...this.variables.values()]);
  }

  #dropoutOf(module: string): Dropout | undefined {
    const rate = this.settings.dropout;
    if (rate === 0 || !this.#pass) return undefined;
    const { seed, step, microBatch } = this.#pass;
    const rng = Rng.fromSeed(`${seed}/dropout/${step}/${microBatch}/${module}`);
    return { rate, key: [rng.uint32(), rng.uint32()] };
  }
}

function variableOf(values: Float32Array, shape: [number, number]): tf.Variable {
  return tf.tidy(() => tf.variable(tf.tensor2d(values, shape)));
}
