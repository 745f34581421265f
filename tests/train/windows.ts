/** Gradients of a window of pairs, cut and laid out as a test asks. */

import type { CausalLM } from "../../src/models/model.ts";
import { targetLogProbs } from "../../src/ops/head/head.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import type { PairTokens } from "../../src/train/batch.ts";
import { windowGradients, type WindowResult } from "../../src/train/gradients.ts";
import { batchScores, type PairScore } from "../../src/train/metrics.ts";
import type { OrpoObjective } from "../../src/train/objective.ts";
import { pairSums } from "../../src/train/orpo_loss.ts";
import { planWindow } from "../../src/train/window_plan.ts";
import { paddedBatch, paddedWindow } from "./padded_batch.ts";

/** How a test's window is cut. */
export interface Cut {
  objective: OrpoObjective;
  /** Pairs a micro-batch; default all. */
  pairs?: number;
  /** Rows a packed micro-batch; default any. */
  tokens?: number;
  /** As the trainer lays pairs out, or as others do; default packed. */
  form?: "packed" | "padded";
}

/** Computes a window's gradient; the caller frees it with `freeWindow`. */
export async function gradientsOf(
  model: CausalLM,
  pairs: readonly PairTokens[],
  { objective, pairs: most = Infinity, tokens = Infinity, form = "packed" }: Cut,
): Promise<WindowResult> {
  const plan = form === "packed"
    ? planWindow(pairs, objective.nllScope, { pairs: most, tokens })
    : paddedWindow(pairs, objective.nllScope, { size: Math.min(most, pairs.length) });
  return await windowGradients(model, plan, { objective });
}

/** Frees a window's tensors. */
export function freeWindow({ gradients, batches }: WindowResult): void {
  tf.dispose([...gradients.values(), ...batches.map((batch) => batch.sums)]);
}

/** Reads a window's gradients, by parameter name, and frees the window. */
export async function readGradients(window: WindowResult): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const [name, gradient] of window.gradients) values.set(name, await readFloats(gradient));
  freeWindow(window);
  return values;
}

/** Scores pairs as one padded batch. */
export async function scorePadded(
  model: CausalLM,
  pairs: readonly PairTokens[],
  nllScope: OrpoObjective["nllScope"],
): Promise<PairScore[]> {
  const batch = paddedBatch(pairs, nllScope);
  const sums = tf.tidy(() => {
    const hidden = model.hidden(batch.tokens);
    return pairSums(targetLogProbs(hidden, model.head(), batch.rows, batch.targets), batch);
  });
  return batchScores(pairs.map((pair) => pair.id), batch.counts, await takeFloats(sums));
}
