/**
 * A model's weights as its blocks ask for them: by the checkpoint's names, as the matrices, vectors
 * and linear layers they are.
 */

import type { LinearWeights } from "../ops/linear_layer.ts";
import type { tf } from "../tensor/tf.ts";
import { withoutPrefix } from "./checkpoint_names.ts";

/** Weights by name; a name that the architecture did not declare is a fault of the caller. */
export class Parameters {
  /** Takes weights under the architecture's names, or without its `basePrefix`. */
  constructor(readonly byName: ReadonlyMap<string, tf.Variable>, readonly basePrefix = "") {}

  /** A matrix. */
  matrix(name: string): tf.Tensor2D {
    return this.#named(name) as tf.Tensor as tf.Tensor2D;
  }

  /** A vector. */
  vector(name: string): tf.Tensor1D {
    return this.#named(name) as tf.Tensor as tf.Tensor1D;
  }

  /** The linear layer of `<name>.weight` and, where there is one, `<name>.bias`. */
  linear(name: string): LinearWeights {
    return {
      weight: this.matrix(`${name}.weight`),
      bias: this.#find(`${name}.bias`) as tf.Tensor1D | undefined,
    };
  }

  /** The same where the weight is stored [in, out]. */
  transposedLinear(name: string): LinearWeights {
    return { ...this.linear(name), isTransposed: true };
  }

  #named(name: string): tf.Variable {
    const parameter = this.#find(name);
    if (!parameter) throw new Error(`Cannot find the weight "${name}": it was not declared`);
    return parameter;
  }

  #find(name: string): tf.Variable | undefined {
    return this.byName.get(name) ?? this.byName.get(withoutPrefix(name, this.basePrefix));
  }
}
