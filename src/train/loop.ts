/**
 * The training loop: evaluate, save, step, until done. Everything that decides what a training is,
 * in order; the parts are in the files beside this one.
 *
 * Invariant: at the top of the loop the state is whole: saving it there and going on from it later
 * gives the same losses and weights, bit for bit, on the same device.
 */

import { join } from "@std/path";
import { addSizes } from "./batch.ts";
import { BestModel } from "./best_model.ts";
import { loadNewestCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import { endingError } from "./ending_error.ts";
import { needsEvalPairs, nonFiniteEvaluation, noTrainingPairs } from "./errors.ts";
import { scorePairs } from "./evaluate_pairs.ts";
import { windowGradients } from "./gradients.ts";
import { chooseKernels, type KeptTuning } from "./kept_tuning.ts";
import { LogFile, type LogRow } from "./log_file.ts";
import { type PairMetrics, ScoreSummary } from "./metrics.ts";
import { type OrpoObjective, resolveObjective } from "./objective.ts";
import { AdamW } from "./optimizer.ts";
import { applyGradients } from "./optimizer_step.ts";
import { keepPlan, samplerOf } from "./run_plan.ts";
import type { WindowSampler } from "./sampler.ts";
import { type Schedule, scheduleFactor, warmupStepsOf } from "./schedule.ts";
import { countStep, initialState, type KeptPlan, type TrainState } from "./state.ts";
import { StepLog } from "./step_log.ts";
import { StepProfile } from "./step_profile.ts";
import type { TrainResult, TrainRun } from "./train_run.ts";
import { planWindow, type WindowPlan } from "./window_plan.ts";

export type { TrainHooks, TrainResult, TrainRun } from "./train_run.ts";

/**
 * Trains a model by ORPO, going on from the newest checkpoint in `run.dir`.
 *
 * @throws {OddsmithError} TrainError NO_PAIRS, NO_EVAL_PAIRS, NON_FINITE (after saving the batch),
 * BATCH_TOO_LARGE, OUT_OF_MEMORY, DEVICE_LOST, CHECKPOINT_WRITE; DeviceError; the signal's reason
 * once it aborts.
 */
export async function trainOrpo(run: TrainRun): Promise<TrainResult> {
  checkRun(run);
  let training: Training | undefined;
  try {
    training = await Training.start(run);
    for (;;) {
      await training.evaluateIfDue();
      await training.saveIfDue();
      if (training.done) break;
      await training.step();
    }
    return await training.finish();
  } catch (error) {
    throw await endingError(run, error, () => training?.save());
  } finally {
    training?.dispose();
  }
}

function checkRun({ train, evaluation, options }: TrainRun): void {
  if (train.size === 0) throw noTrainingPairs();
  if (evaluation.size > 0) return;
  if (options.loadBestModelAtEnd) throw needsEvalPairs("loadBestModelAtEnd");
  if (options.earlyStoppingPatience > 0) throw needsEvalPairs("earlyStoppingPatience");
}

class Training {
  readonly #run: TrainRun;
  readonly #objective: OrpoObjective;
  readonly #optimizer: AdamW;
  readonly #sampler: WindowSampler;
  readonly #schedule: Schedule;
  readonly #state: TrainState;
  readonly #best: BestModel;
  readonly #steps: StepLog;
  readonly #file: LogFile;
  readonly #memory: KeptPlan;
  readonly #resumedFrom?: number;
  readonly #profile?: StepProfile;
  /** The next step's micro-batches, once they are laid out. */
  #nextPlan?: WindowPlan;
  /** The newest checkpoint's step. */
  #savedStep?: number;

  static async start(run: TrainRun): Promise<Training> {
    const optimizer = new AdamW(run.model.trainable, run.options);
    try {
      const loaded = await loadNewestCheckpoint(run.dir, run.model, optimizer, run.hooks.log);
      const { device, model, options } = run;
      const tuning = await chooseKernels(device, model, options.microBatchTokens, loaded?.tuning);
      const memory = keepPlan(run, loaded?.memory);
      const file = await LogFile.open(join(run.dir, "steps.jsonl"), loaded?.logBytes ?? 0);
      return new Training(run, optimizer, file, { loaded, tuning, memory });
    } catch (error) {
      optimizer.dispose();
      throw error;
    }
  }

  private constructor(
    run: TrainRun,
    optimizer: AdamW,
    file: LogFile,
    { loaded, tuning, memory }: { loaded?: TrainState; tuning?: KeptTuning; memory: KeptPlan },
  ) {
    const { options } = run;
    this.#run = run;
    this.#objective = resolveObjective(options);
    this.#optimizer = optimizer;
    this.#file = file;
    this.#sampler = samplerOf(run, loaded?.position);
    const totalSteps = options.maxSteps || Math.ceil(options.epochs * this.#sampler.stepsPerEpoch);
    this.#schedule = {
      type: options.lrSchedulerType,
      warmupSteps: warmupStepsOf(options, totalSteps),
      totalSteps,
    };
    this.#state = loaded ?? initialState(this.#sampler.position);
    this.#state.tuning = tuning;
    this.#memory = this.#state.memory = memory;
    this.#resumedFrom = loaded?.step;
    this.#savedStep = loaded?.step;
    this.#best = new BestModel(run.dir, options);
    this.#steps = new StepLog(this.#objective, run.dir);
    if (run.profile) this.#profile = new StepProfile(this.#state.step, totalSteps);
    if (loaded) run.hooks.log(`going on from the checkpoint of step ${loaded.step}`, "info");
  }

  get done(): boolean {
    return this.#state.stoppedEarly || this.#state.step >= this.#schedule.totalSteps;
  }

  async evaluateIfDue(): Promise<void> {
    const { step, lastEval } = this.#state;
    const { evalSteps } = this.#run.options;
    const due = step === 0 || this.done || (evalSteps > 0 && step % evalSteps === 0);
    if (!due || lastEval?.step === step || this.#run.evaluation.size === 0) return;
    await this.#flush();
    const metrics = await this.#evaluate();
    if (!Number.isFinite(metrics.loss)) throw nonFiniteEvaluation(step);
    const record = { step, metrics };
    this.#state.firstEval ??= record;
    this.#state.lastEval = record;
    const named = Object.entries(metrics).map(([name, value]) => [`eval_${name}`, value]);
    await this.#write({ step, epoch: this.#sampler.epochs, ...Object.fromEntries(named) });
    await this.#best.judge(this.#state, this.#run.model);
    this.#steps.restartClock();
  }

  async saveIfDue(): Promise<void> {
    const { saveSteps } = this.#run.options;
    const due = saveSteps > 0 && (this.done || this.#state.step % saveSteps === 0);
    if (due && this.#state.step > 0) await this.save();
  }

  async save(): Promise<void> {
    await this.#flush();
    if (this.#savedStep === this.#state.step) return;
    await this.#file.sync();
    this.#state.logBytes = this.#file.bytes;
    const { dir, model, options } = this.#run;
    await saveCheckpoint(dir, this.#state, model, this.#optimizer, options.saveTotalLimit);
    this.#savedStep = this.#state.step;
    this.#steps.restartClock();
  }

  async step(): Promise<void> {
    const work = () => this.#optimizerStep();
    if (this.#profile) await this.#profile.around(this.#state.step + 1, work);
    else await work();
  }

  async #optimizerStep(): Promise<void> {
    const { model, device, options } = this.#run;
    const plan = this.#nextPlan ?? this.#plan();
    this.#nextPlan = undefined;
    const { gradients, batches } = await windowGradients(model, plan, {
      objective: this.#objective,
      recomputedLayers: this.#memory.recomputedLayers,
      training: { seed: this.#run.seed, step: this.#state.step },
      beforeBatch: () => this.#breathe(),
    });
    const state = this.#state;
    const learningRate = options.learningRate * scheduleFactor(this.#schedule, state.step);
    const { maxGradNorm } = options;
    const gradNorm = applyGradients(this.#optimizer, gradients, learningRate, maxGradNorm);
    this.#sampler.advance();
    countStep(state, {
      position: this.#sampler.position,
      pairs: plan.counts.pairs,
      sizes: addSizes(batches),
      peakMemoryBytes: device.memory.peakBytes(),
    });
    const epoch = this.#sampler.epochs;
    this.#steps.add({ step: state.step, epoch, learningRate, batches, gradNorm });
    // Before anything is awaited: the device is busy with this step meanwhile.
    if (!this.done) this.#nextPlan = this.#plan();
    if (this.done || this.#steps.size >= options.loggingSteps) await this.#flush();
  }

  /** Lays out the pairs of the optimizer step that comes next. */
  #plan(): WindowPlan {
    const { train, options } = this.#run;
    const pairs = this.#sampler.window().map((index) => train.at(index));
    const limits = { pairs: options.microBatchSize, tokens: this.#memory.microBatchTokens };
    return planWindow(pairs, this.#objective.nllScope, limits);
  }

  async finish(): Promise<TrainResult> {
    const modelStep = await this.#best.loadIfAsked(this.#state, this.#run.model);
    return {
      state: this.#state,
      totalSteps: this.#schedule.totalSteps,
      modelStep,
      resumedFrom: this.#resumedFrom,
      profile: this.#profile?.result(),
    };
  }

  dispose(): void {
    this.#profile?.dispose();
    this.#steps.dispose();
    this.#optimizer.dispose();
    this.#file.close();
  }

  async #evaluate(): Promise<PairMetrics> {
    const { model, evaluation, options, signal, hooks } = this.#run;
    const summary = new ScoreSummary(this.#objective);
    const scores = scorePairs(model, evaluation, {
      batchSize: options.microBatchSize,
      batchTokens: this.#memory.microBatchTokens,
      nllScope: this.#objective.nllScope,
      signal,
    });
    for await (const score of scores) {
      summary.add(score);
      if (summary.pairs % options.microBatchSize > 0) continue;
      const note = `evaluating ${summary.pairs}/${evaluation.size}`;
      hooks.progress(this.#state.step, this.#schedule.totalSteps, note);
      await this.#breathe();
    }
    return summary.metrics();
  }

  /** Reads the figures of the steps since the last time, and writes their rows. */
  async #flush(): Promise<void> {
    const rows = await this.#steps.read(this.#state.peakMemoryBytes);
    for (const row of rows) await this.#write(row);
    this.#state.trainMs += this.#steps.takeElapsedMs();
    const last = rows.at(-1);
    if (last) this.#run.hooks.progress(this.#state.step, this.#schedule.totalSteps, noteOf(last));
  }

  async #write(row: LogRow): Promise<void> {
    await this.#file.append(row);
    this.#run.hooks.row(row);
  }

  /** Lets signals in, and stops where one asks to. */
  async #breathe(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    this.#run.signal.throwIfAborted();
    this.#run.device.checkFailed();
  }
}

function noteOf(row: LogRow): string {
  const figure = (name: string, digits: number) => (row[name] as number).toFixed(digits);
  return `loss ${figure("loss", 4)}  accuracy ${figure("rewards/accuracies", 2)}  ` +
    `${figure("tokens_per_second", 0)} tok/s`;
}
