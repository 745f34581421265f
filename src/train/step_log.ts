/**
 * Figures of optimizer steps on their way from the device to the log: kept there until they are
 * asked for, then read back in one go, checked and written as rows.
 *
 * Invariant: a row is made only of steps whose loss and gradient are finite; the first that is not
 * ends the training, with its batch saved.
 */

import { join } from "@std/path";
import { writeFileAtomic } from "../base/atomic.ts";
import { takeFloats } from "../tensor/readback.ts";
import { tf } from "../tensor/tf.ts";
import { addSizes, type PairBatch } from "./batch.ts";
import { nonFinite } from "./errors.ts";
import type { LogRow } from "./log_file.ts";
import { batchScores, summarizeScores } from "./metrics.ts";
import type { OrpoObjective } from "./objective.ts";

/** One optimizer step, its figures still on the device. */
export interface PendingStep {
  /** Optimizer steps done with this one. */
  readonly step: number;
  /** Epochs done after it. */
  readonly epoch: number;
  /** The learning rate it was made with. */
  readonly learningRate: number;
  /** Its micro-batches. */
  readonly batches: readonly PendingBatch[];
  /** Scalar: global norm of its gradient before clipping. Owned. */
  readonly gradNorm: tf.Scalar;
}

/** A micro-batch of a pending step. */
export interface PendingBatch extends Pick<PairBatch, "pairs" | "counts" | "sizes"> {
  /** [3B] as `pairSums` gives them. Owned. */
  readonly sums: tf.Tensor1D;
}

/** What training since the last reading cost. */
export interface Throughput {
  /** Tokens of both sequences of all pairs, padding left out. */
  tokens_per_second: number;
  /** Pairs trained on. */
  pairs_per_second: number;
  /** Most bytes the device held so far. */
  peak_memory_bytes: number;
}

/** Steps whose figures were not read yet. */
export class StepLog {
  #pending: PendingStep[] = [];
  #startedAt = performance.now();
  #elapsedMs = 0;

  /** Makes figures by `objective`; saves the batch of a step that is not finite in `dir`. */
  constructor(readonly objective: OrpoObjective, readonly dir: string) {}

  /** Steps waiting to be read. */
  get size(): number {
    return this.#pending.length;
  }

  /** Milliseconds spent on the steps read since this was last asked. */
  takeElapsedMs(): number {
    const elapsedMs = this.#elapsedMs;
    this.#elapsedMs = 0;
    return elapsedMs;
  }

  /** Starts the clock of the next steps: what came before (evaluation, saving) is not theirs. */
  restartClock(): void {
    if (this.#pending.length === 0) this.#startedAt = performance.now();
  }

  /** Takes over a step's tensors. */
  add(step: PendingStep): void {
    this.#pending.push(step);
  }

  /**
   * Reads all waiting steps, oldest first.
   *
   * @param peakMemoryBytes What every row says of memory.
   * @throws {OddsmithError} TrainError NON_FINITE at the first step with a loss or gradient that
   * is not finite; DeviceError where the device failed.
   */
  async read(peakMemoryBytes: number): Promise<LogRow[]> {
    if (this.#pending.length === 0) return [];
    const steps = this.#pending;
    this.#pending = [];
    const tensors = steps.flatMap(({ batches, gradNorm }) => [
      ...batches.map((batch) => batch.sums),
      gradNorm.as1D(),
    ]);
    const together = tf.concat1d(tensors);
    for (const { batches, gradNorm } of steps) {
      tf.dispose([...batches.map((batch) => batch.sums), gradNorm]);
    }
    tf.dispose(tensors);
    const values = await takeFloats(together);
    const elapsedMs = performance.now() - this.#startedAt;
    this.#startedAt = performance.now();
    this.#elapsedMs += elapsedMs;
    const throughput = { ...rates(steps, elapsedMs), peak_memory_bytes: peakMemoryBytes };
    const rows: LogRow[] = [];
    let at = 0;
    for (const step of steps) {
      const size = step.batches.reduce((sum, batch) => sum + 3 * batch.pairs.length, 1);
      rows.push(await this.#row(step, values.subarray(at, at + size), throughput));
      at += size;
    }
    return rows;
  }

  /** Frees what was not read. */
  dispose(): void {
    for (const { batches, gradNorm } of this.#pending) {
      tf.dispose([...batches.map((batch) => batch.sums), gradNorm]);
    }
    this.#pending = [];
  }

  async #row(step: PendingStep, values: Float32Array, throughput: Throughput): Promise<LogRow> {
    const gradNorm = values.at(-1)!;
    const finite = values.subarray(0, -1).every(Number.isFinite);
    if (!finite || !Number.isFinite(gradNorm)) {
      throw await this.#refuse(step, values, finite ? "the gradient" : "the loss");
    }
    let at = 0;
    const scores = step.batches.flatMap(({ pairs, counts }) => {
      const sums = values.subarray(at, at += 3 * pairs.length);
      return batchScores(pairs.map((pair) => pair.id), counts, sums);
    });
    return {
      step: step.step,
      epoch: step.epoch,
      ...summarizeScores(scores, this.objective),
      grad_norm: gradNorm,
      learning_rate: step.learningRate,
      ...packing(step.batches),
      ...throughput,
    };
  }

  async #refuse(step: PendingStep, values: Float32Array, what: string): Promise<Error> {
    const path = join(this.dir, `non-finite-step-${step.step}.json`);
    const pairs = step.batches.flatMap((batch) => batch.pairs);
    const record = {
      step: step.step,
      learningRate: step.learningRate,
      gradNorm: String(values.at(-1)),
      // JSON has no NaN: the figures are written as text.
      microBatches: step.batches.map((batch) => batch.pairs.map((pair) => pair.id)),
      sums: Array.from(values.subarray(0, -1), String),
      pairs: pairs.map((pair) => ({
        id: pair.id,
        promptIds: Array.from(pair.promptIds),
        chosenIds: Array.from(pair.chosenIds),
        rejectedIds: Array.from(pair.rejectedIds),
      })),
    };
    await writeFileAtomic(path, JSON.stringify(record, null, 1) + "\n");
    return nonFinite(what, step.step, pairs.map((pair) => pair.id), path);
  }
}

function packing(
  batches: readonly PendingBatch[],
): { packing_efficiency: number; shared_tokens: number } {
  const { used, dispatched, shared } = addSizes(batches);
  return { packing_efficiency: used / dispatched, shared_tokens: shared };
}

function rates(
  steps: readonly PendingStep[],
  elapsedMs: number,
): Pick<Throughput, "tokens_per_second" | "pairs_per_second"> {
  const batches = steps.flatMap((step) => step.batches);
  const perSecond = (count: number) => 1000 * count / elapsedMs;
  return {
    tokens_per_second: perSecond(addSizes(batches).trained),
    pairs_per_second: perSecond(batches.reduce((sum, batch) => sum + batch.pairs.length, 0)),
  };
}
