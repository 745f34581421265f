/** Optimizer steps of ORPO as work to be measured: forward, backward, clipping, update. */

import type { CausalLM } from "../src/models/model.ts";
import { tuneModel } from "../src/models/tune.ts";
import type { tf } from "../src/tensor/tf.ts";
import type { PairTokens } from "../src/train/batch.ts";
import { windowGradients } from "../src/train/gradients.ts";
import { resolveObjective } from "../src/train/objective.ts";
import { AdamW } from "../src/train/optimizer.ts";
import { applyGradients } from "../src/train/optimizer_step.ts";
import { planWindow, type WindowPlan } from "../src/train/window_plan.ts";

/** AdamW as torch has it by default. */
export const ADAMW = { adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8, weightDecay: 0 };

/** TRL's ORPO, at TRL's beta. */
export const objective = resolveObjective({ preset: "trl", beta: 0.1 });

/** A model with its optimizer, and steps to take. */
export class StepWork {
  readonly #optimizer: AdamW;

  private constructor(readonly model: CausalLM, readonly recomputedLayers: number) {
    this.#optimizer = new AdamW(model.trainable, ADAMW);
  }

  /** Takes a model, whose kernels are chosen for so many rows first. */
  static async of(model: CausalLM, rows: number, recomputedLayers = 0): Promise<StepWork> {
    await tuneModel(model, [rows]);
    return new StepWork(model, recomputedLayers);
  }

  /** Takes one step; gives what is to be disposed once the device is done. */
  async step(plan: WindowPlan): Promise<tf.Tensor[]> {
    const { recomputedLayers } = this;
    const found = await windowGradients(this.model, plan, { objective, recomputedLayers });
    const norm = applyGradients(this.#optimizer, found.gradients, 1e-6, 1);
    return [norm, ...found.batches.map(({ sums }) => sums)];
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.model.dispose();
  }
}

/** A step on some pairs, at most `size` of them a micro-batch. */
export function stepOf(pairs: readonly PairTokens[], size: number, tokens = 4096): WindowPlan {
  return planWindow(pairs, objective.nllScope, { pairs: size, tokens });
}

/** Pairs of drawn ids, with `tokens` rows each: a third of them the prompt. */
export function drawnPairs(count: number, tokens: number, vocabSize: number): PairTokens[] {
  const prompt = Math.floor(tokens / 3);
  const chosen = Math.floor((tokens - prompt) / 2);
  const rejected = tokens - prompt - chosen;
  const ids = (length: number, start: number) =>
    Int32Array.from({ length }, (_, i) => (7919 * (start + i) + 104729) % vocabSize);
  return Array.from({ length: count }, (_, i) => ({
    id: `${i}`,
    promptIds: ids(prompt, 1000 * i),
    // An answer's last token is scored, but takes no row.
    chosenIds: ids(chosen + 1, 1000 * i + 300),
    rejectedIds: ids(rejected + 1, 1000 * i + 600),
  }));
}
