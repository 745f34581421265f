/** A training's memory in words, before it runs: what `plan` prints. */

import { format as formatBytes } from "@std/fmt/bytes";
import type { ModelConfig } from "../models/config.ts";
import { unfilledModel, type UnfilledOptions } from "../models/unfilled.ts";
import { COMMON_TARGET, likelyTarget } from "../tensor/rehearsal.ts";
import type { OrpoOptions } from "./options.ts";
import type { PairStore } from "./pair_store.ts";
import { fullWindow, planTraining } from "./plan_training.ts";
import { firstScored, firstWindows } from "./run_plan.ts";

/**
 * Plans a training on the adapter that a run would open, and says what it will hold.
 *
 * @param pairs The pairs to train on and those held out, or where they are not known yet how long
 *   they may be.
 * @param training.seed Seeds the order of the pairs.
 * @param training.lora The branches that train; absent: all weights do.
 * @throws {OddsmithError} TrainError MEMORY_BUDGET; DeviceError LIMIT_EXCEEDED.
 */
export async function forecastLines(
  config: ModelConfig,
  options: OrpoOptions,
  pairs: { train: PairStore; evaluation: PairStore } | { maxLength: number },
  { seed, lora }: { seed: string; lora?: UnfilledOptions["lora"] },
): Promise<string[]> {
  const isKnown = "train" in pairs;
  const found = await likelyTarget();
  const target = found ?? COMMON_TARGET;
  const { forecast, recomputedLayers, microBatchTokens } = planTraining({
    target,
    config,
    makeModel: () => unfilledModel(config, { lora, quantization: options.quantization }),
    options,
    windows: isKnown
      ? firstWindows({ train: pairs.train, options, seed })
      : [fullWindow(options, pairs.maxLength)],
    evaluation: isKnown ? firstScored(pairs.evaluation) : fullWindow(options, pairs.maxLength),
  });
  const show = (count: number) => formatBytes(count, { binary: true });
  const { peakBytes, weightBytes, momentBytes, gradientBytes, workBytes } = forecast;
  const { description, vendor } = target.adapter;
  const on = found ? description || vendor : `${description} (no adapter here)`;
  return [
    `memory: at most ${show(peakBytes)} on ${on}${
      isKnown ? "" : ", if pairs are as long as allowed"
    }: ` +
    `weights ${show(weightBytes)}, moments ${show(momentBytes)}, gradients ${
      show(gradientBytes)
    }, ` +
    `activations and scratch ${show(workBytes)}`,
    `memory: ${microBatchTokens} tokens a micro-batch, ` +
    `${recomputedLayers} of ${config.numHiddenLayers} layers computed twice`,
  ];
}
