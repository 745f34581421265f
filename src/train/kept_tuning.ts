/**
 * Keeps a training on the kernels it began with. Which way a matrix product is computed changes its
 * last bits; a training that goes on in another process, where ways may have been timed anew, takes
 * those that its checkpoint names.
 */

import type { CausalLM } from "../models/model.ts";
import { tuneModel } from "../models/tune.ts";
import type { Device } from "../tensor/device.ts";
import { currentTuning, type Tuning, useTuning } from "../tensor/tuning.ts";

/** What a training's kernels are chosen by. */
export interface KeptTuning {
  /** The adapter it was measured on. */
  readonly adapter: string;
  /** Speeds, as the tuner measured them. */
  readonly tuning: Tuning;
}

/**
 * Chooses kernels for a training: as before where it goes on, on the same adapter, else by timing
 * what was not timed yet.
 *
 * @param rows Most rows that go through the model at a time.
 * @returns What to keep with the training's state; undefined off webgpu.
 */
export async function chooseKernels(
  { adapter }: Device,
  model: CausalLM,
  rows: number,
  kept?: KeptTuning,
): Promise<KeptTuning | undefined> {
  if (!adapter) return undefined;
  const name = [adapter.vendor, adapter.architecture, adapter.description].join("/");
  if (kept?.adapter === name) {
    useTuning(kept.tuning);
    return kept;
  }
  await tuneModel(model, [rows]);
  return { adapter: name, tuning: currentTuning() };
}
