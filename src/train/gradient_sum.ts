/**
 * The gradients of an optimizer step while its micro-batches are added up: one tensor a weight, in
 * which later ones are added in place where the device allows it.
 */

import { accumulate } from "../ops/update/accumulate.ts";
import { tf } from "../tensor/tf.ts";

/** Gradients by parameter name. */
export type Gradients = ReadonlyMap<string, tf.Tensor>;

/** A sum of gradients; owns them until they are taken. */
export class GradientSum {
  #total = new Map<string, tf.Tensor>();

  /** Adds a share of a weight's gradient and takes it over. */
  add(name: string, share: tf.Tensor): void {
    const before = this.#total.get(name);
    this.#total.set(name, before ? accumulate(before, share) : share);
  }

  /** Gives the sums, which the caller then owns. */
  take(): Gradients {
    const total = this.#total;
    this.#total = new Map();
    return total;
  }

  /** Frees what was not taken. */
  dispose(): void {
    tf.dispose([...this.take().values()]);
  }
}
