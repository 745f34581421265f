/** What a model says of the token after a prompt, for tests. */

import type { CausalLM } from "../../src/models/model.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { allLogits } from "./fixtures.ts";

/** Logits of the next token, [V]. */
export async function nextLogits(model: CausalLM, ids: readonly number[]): Promise<Float32Array> {
  const inputIds = Int32Array.from(ids);
  const hidden = model.hidden({ inputIds, batchSize: 1, length: ids.length });
  const last = tf.slice(hidden, [ids.length - 1, 0], [1, -1]);
  const logits = allLogits(model, last as tf.Tensor2D);
  tf.dispose([hidden, last]);
  return await takeFloats(logits);
}

/** Probabilities of the next token, [V]. */
export async function nextProbabilities(
  model: CausalLM,
  ids: readonly number[],
): Promise<Float32Array> {
  const logits = await nextLogits(model, ids);
  return await takeFloats(tf.tidy(() => tf.softmax(tf.tensor1d(logits))));
}
