/**
 * A model's weights as its blocks ask for them: by the checkpoint's names, as the matrices, vectors,
 * linear layers and embeddings they are, each with its LoRA branch where it has one.
 */

import type { EmbeddingWeights } from "../ops/embedding/embedding_layer.ts";
import type { LinearWeights } from "../ops/linear/linear_layer.ts";
import type { PackedMatrix } from "../tensor/packed_matrix.ts";
import type { tf } from "../tensor/tf.ts";
import { withoutPrefix } from "./folder/checkpoint_names.ts";
import type { LoraAdapters } from "./lora/lora.ts";
import { notAdaptable } from "./lora/errors.ts";
import type { ModelWeights } from "./weights.ts";

/** Weights by name; a name that the architecture did not declare is a fault of the caller. */
export class Parameters {
  readonly #weights: ModelWeights;
  readonly #basePrefix: string;
  readonly #lora?: LoraAdapters;

  /**
   * Takes weights under the architecture's names, or without its `basePrefix`, and the branches
   * beside them.
   */
  constructor(weights: ModelWeights, basePrefix = "", lora?: LoraAdapters) {
    this.#weights = weights;
    this.#basePrefix = basePrefix;
    this.#lora = lora;
  }

  /**
   * A matrix that is no module's, which cannot be packed.
   *
   * @throws {OddsmithError} ModelError LORA_TARGETS where it has a branch, which would go unused.
   */
  matrix(name: string): tf.Tensor2D {
    const module = moduleOf(name);
    if (this.#lora?.branch(module)) throw notAdaptable(module);
    return this.#variable(name) as tf.Tensor as tf.Tensor2D;
  }

  /** A vector. */
  vector(name: string): tf.Tensor1D {
    return this.#variable(name) as tf.Tensor as tf.Tensor1D;
  }

  /** The linear layer of `<name>.weight` and, where there is one, `<name>.bias`. */
  linear(name: string): LinearWeights {
    return {
      weight: this.weight(`${name}.weight`),
      bias: find(this.#weights.floats, `${name}.bias`, this.#basePrefix) as tf.Tensor1D | undefined,
      lora: this.#lora?.branch(name),
    };
  }

  /** The same where the weight is stored [in, out]. */
  transposedLinear(name: string): LinearWeights {
    return { ...this.linear(name), isTransposed: true };
  }

  /** The embedding whose weight has this name. */
  embedding(name: string): EmbeddingWeights {
    return { weight: this.weight(name), lora: this.#lora?.branch(moduleOf(name)) };
  }

  /** A matrix as it is kept, without the branch beside it. */
  weight(name: string): tf.Tensor2D | PackedMatrix {
    return find(this.#weights.packed, name, this.#basePrefix) ??
      this.#variable(name) as tf.Tensor as tf.Tensor2D;
  }

  #variable(name: string): tf.Variable {
    const variable = find(this.#weights.floats, name, this.#basePrefix);
    if (!variable) throw new Error(`Cannot find the weight "${name}": it was not declared`);
    return variable;
  }
}

function find<T>(
  byName: ReadonlyMap<string, T>,
  name: string,
  basePrefix: string,
): T | undefined {
  return byName.get(name) ?? byName.get(withoutPrefix(name, basePrefix));
}

function moduleOf(weight: string): string {
  return weight.replace(/\.weight$/, "");
}
