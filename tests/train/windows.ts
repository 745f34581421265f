/** Gradients of a window of pairs, cut and laid out as a test asks. */

import type { CausalLM } from "../../src/models/model.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import type { PairTokens } from "../../src/train/batch.ts";
import { windowGradients, type WindowResult } from "../../src/train/gradients.ts";
import type { OrpoObjective } from "../../src/train/objective.ts";
import type { BatchForm } from "../../src/train/packing.ts";
import { planWindow } from "../../src/train/window_plan.ts";

/** How a test's window is cut. */
export interface Cut {
  objective: OrpoObjective;
  /** Pairs a micro-batch; default all. */
  pairs?: number;
  /** Rows a micro-batch; default any. */
  tokens?: number;
  /** Default the device's. */
  form?: BatchForm;
}

/** Computes a window's gradient; the caller frees it with `freeWindow`. */
export async function gradientsOf(
  model: CausalLM,
  pairs: readonly PairTokens[],
  { objective, pairs: most = Infinity, tokens = Infinity, form }: Cut,
): Promise<WindowResult> {
  const plan = planWindow(pairs, {
    limits: { pairs: most, tokens },
    nllScope: objective.nllScope,
    maxLength: model.config.maxPositionEmbeddings,
    form,
  });
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
