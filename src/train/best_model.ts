/**
 * The best evaluation so far, its weights, and when to stop for want of gain.
 *
 * Invariant: the weights of every best step that the state or a kept checkpoint names are on disk,
 * so a training that goes on from an older checkpoint finds them.
 */

import { join } from "@std/path";
import { writeDirAtomic } from "../base/atomic.ts";
import type { CausalLM } from "../models/model.ts";
import { checkpointStates } from "./checkpoint.ts";
import { bestModelMissing } from "./errors.ts";
import type { PairMetricName } from "./metrics.ts";
import { greaterIsBetter, type OrpoOptions } from "./options.ts";
import type { TrainState } from "./state.ts";
import { loadVariables, saveTensors } from "./tensor_folder.ts";

const PREFIX = "best-";
const WEIGHTS = "weights";

/** Judges evaluations and keeps the best one's weights in a folder. */
export class BestModel {
  /** Judges by `options`; keeps weights in `dir`, an existing folder that survives a crash. */
  constructor(readonly dir: string, readonly options: OrpoOptions) {}

  /** Takes the latest evaluation into account; changes `best` and the early-stopping state. */
  async judge(state: TrainState, model: CausalLM): Promise<void> {
    const { metricForBestModel: metric, earlyStoppingThreshold, earlyStoppingPatience } =
      this.options;
    const { step, metrics } = state.lastEval!;
    const value = metrics[metric.slice("eval_".length) as PairMetricName];
    const sign = greaterIsBetter(metric) ? 1 : -1;
    const gain = state.best ? sign * (value - state.best.value) : Infinity;
    state.evalsWithoutGain = gain > earlyStoppingThreshold ? 0 : state.evalsWithoutGain + 1;
    if (earlyStoppingPatience > 0 && state.evalsWithoutGain >= earlyStoppingPatience) {
      state.stoppedEarly = true;
    }
    if (!(gain > 0)) return;
    state.best = { step, value };
    if (this.options.loadBestModelAtEnd) await this.#keep(step, model);
  }

  /**
   * Loads the best weights into the model where options ask for it; gives the step whose weights
   * the model has then.
   *
   * @throws {OddsmithError} TrainError BEST_MODEL_MISSING.
   */
  async loadIfAsked(state: TrainState, model: CausalLM): Promise<number> {
    const best = state.best;
    if (!this.options.loadBestModelAtEnd || !best || best.step === state.step) return state.step;
    try {
      await loadVariables(join(this.dir, `${PREFIX}${best.step}`, WEIGHTS), model.trainable);
    } catch (cause) {
      throw bestModelMissing(best.step, cause);
    }
    return best.step;
  }

  async #keep(step: number, model: CausalLM): Promise<void> {
    const path = join(this.dir, `${PREFIX}${step}`);
    await Deno.remove(path, { recursive: true }).catch(() => {});
    await writeDirAtomic(path, (dir) => saveTensors(join(dir, WEIGHTS), model.trainable));
    const states = await checkpointStates(this.dir);
    const named = new Set([step, ...states.map((state) => state.best?.step)]);
    for await (const entry of Deno.readDir(this.dir)) {
      if (!entry.name.startsWith(PREFIX)) continue;
      if (named.has(Number(entry.name.slice(PREFIX.length)))) continue;
      await Deno.remove(join(this.dir, entry.name), { recursive: true });
    }
  }
}
