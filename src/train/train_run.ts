/** What the training loop is given, whom it tells, and what it gives back. Types alone. */

import type { CausalLM } from "../models/model.ts";
import type { Device } from "../tensor/device.ts";
import type { LogRow } from "./log_file.ts";
import type { OrpoOptions } from "./options.ts";
import type { PairStore } from "./pair_store.ts";
import type { TrainState } from "./state.ts";
import type { TrainingProfile } from "./step_profile.ts";

/** What a training is given. */
export interface TrainRun {
  /** Trained in place. */
  readonly model: CausalLM;
  /**
   * Makes a model like it on the current device, its weights without values: what memory is
   * planned with. Absent: nothing is planned or predicted.
   */
  readonly makeUnfilled?: () => CausalLM;
  /** Pairs to train on. */
  readonly train: PairStore;
  /** Held-out pairs; may be empty. */
  readonly evaluation: PairStore;
  /** What is asked for. */
  readonly options: OrpoOptions;
  /** Seeds the order of the pairs. */
  readonly seed: string;
  /** The open device. */
  readonly device: Device;
  /** An existing folder that survives a crash: steps.jsonl, checkpoints, the best model. */
  readonly dir: string;
  /** Once aborted, the training saves a checkpoint and throws the signal's reason. */
  readonly signal: AbortSignal;
  /** Who is told. */
  readonly hooks: TrainHooks;
  /** Whether a few optimizer steps are profiled. Default false. */
  readonly profile?: boolean;
}

/** Who is told how a training goes. */
export interface TrainHooks {
  /** How far it is, with one line beside it. */
  progress(step: number, totalSteps: number, note: string): void;
  /** A row of steps.jsonl. */
  row(row: LogRow): void;
  /** Something people should read. */
  log(message: string, level: "info" | "warn"): void;
}

/** How a training ended. */
export interface TrainResult {
  /** Its state after the last step. */
  readonly state: TrainState;
  /** Optimizer steps asked for; fewer were made where it stopped early. */
  readonly totalSteps: number;
  /** The step whose weights the model has now. */
  readonly modelStep: number;
  /** The step it went on from; absent: it began at the beginning. */
  readonly resumedFrom?: number;
  /** Where the time of a few steps went, if it was asked for and there were steps to make. */
  readonly profile?: TrainingProfile;
}
