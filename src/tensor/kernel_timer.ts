/**
 * Times kernels one by one while a profile is being made: by timestamps that the device writes
 * itself, or, where it offers none, by handing over each kernel alone and waiting for it.
 *
 * Invariant: a timer changes when commands are handed over and nothing of what they compute, nor
 * their order; results keep every bit.
 */

import { tf } from "./tf.ts";
import { readQueries } from "./timestamps.ts";
import { type BackendInternals, submitPending } from "./webgpu_internals.ts";

/** One kernel, or one copy, that ran. */
export interface KernelTime {
  /** What was computed. */
  readonly label: string;
  /** Undefined where the device told no time. */
  readonly elapsedMs: number | undefined;
}

/** Takes the time of what is encoded between `begin` and `end`. */
export interface KernelTimer {
  /** Before a dispatch, once all it needs is uploaded; it goes into the backend's compute pass. */
  begin(backend: BackendInternals, label: string): void;
  /** After the dispatch. */
  end(backend: BackendInternals): void;
  /** Encodes a copy, outside of a compute pass. */
  copy(backend: BackendInternals, label: string, encode: () => void): void;
  /** Waits for the device and gives what ran since the last time. */
  take(backend: BackendInternals): Promise<KernelTime[]>;
  /** Frees what it holds. */
  dispose(): void;
}

let active: KernelTimer | undefined;

/** The timer in use; undefined: nothing is profiled, and nothing is to be slowed down. */
export function activeTimer(): KernelTimer | undefined {
  return active;
}

/** Puts a timer to use, or ends its use. */
export function useTimer(timer: KernelTimer | undefined): void {
  active = timer;
}

let kernel: string | undefined;

/** The kernel of tfjs that is running, where one is timed: "Multiply". */
export function runningKernel(): string | undefined {
  return kernel;
}

/**
 * Notes from now on which kernel of tfjs is running: the class of a program says "BinaryOpProgram"
 * of a sum and a product alike.
 *
 * @returns What ends the noting.
 */
export function noteKernels(): () => void {
  const engine: Pick<ReturnType<typeof tf.engine>, "runKernel"> = tf.engine();
  const run = engine.runKernel;
  engine.runKernel = function (this: typeof engine, ...args: Parameters<typeof run>) {
    const outer = kernel;
    kernel = args[0];
    try {
      return run.apply(this, args) as ReturnType<typeof run>;
    } finally {
      kernel = outer;
    }
  } as typeof run;
  return () => engine.runKernel = run;
}

/** Encodes a copy, timed where a profile is being made. */
export function encodeCopy(backend: BackendInternals, label: string, encode: () => void): void {
  if (active) active.copy(backend, label, encode);
  else encode();
}

/** WebGPU allows 4096 queries a set. */
const QUERIES = 4096;

/** Times by `timestamp-query`: a compute pass of its own for each dispatch. */
export class TimestampTimer implements KernelTimer {
  readonly #device: GPUDevice;
  readonly #querySet: GPUQuerySet;
  readonly #msPerTick: number;
  #labels: string[] = [];
  #reading: Promise<KernelTime[]>[] = [];

  /** @param msPerTick What `millisecondsPerTick` (timestamps.ts) found. */
  constructor(device: GPUDevice, msPerTick: number) {
    this.#device = device;
    this.#msPerTick = msPerTick;
    this.#querySet = device.createQuerySet({ type: "timestamp", count: QUERIES });
  }

  begin(backend: BackendInternals, label: string): void {
    const first = this.#reserve(backend, label);
    backend.computePassEncoder = backend.commandEncoder!.beginComputePass({
      timestampWrites: {
        querySet: this.#querySet,
        beginningOfPassWriteIndex: first,
        endOfPassWriteIndex: first + 1,
      },
    });
  }

  end(): void {
    // The pass stays open, as tfjs leaves it; whatever comes next ends it.
  }

  copy(backend: BackendInternals, label: string, encode: () => void): void {
    const first = this.#reserve(backend, label);
    const querySet = this.#querySet;
    const mark = (timestampWrites: Omit<GPUComputePassTimestampWrites, "querySet">) =>
      backend.commandEncoder!
        .beginComputePass({ timestampWrites: { querySet, ...timestampWrites } }).end();
    mark({ endOfPassWriteIndex: first });
    encode();
    mark({ beginningOfPassWriteIndex: first + 1 });
  }

  async take(backend: BackendInternals): Promise<KernelTime[]> {
    this.#flush(backend);
    const reading = this.#reading;
    this.#reading = [];
    return (await Promise.all(reading)).flat();
  }

  dispose(): void {
    this.#querySet.destroy();
  }

  /** The first of two queries for what comes next; no compute pass is open then. */
  #reserve(backend: BackendInternals, label: string): number {
    if (2 * this.#labels.length === QUERIES) this.#flush(backend);
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    return 2 * this.#labels.push(label) - 2;
  }

  #flush(backend: BackendInternals): void {
    submitPending(backend);
    const labels = this.#labels;
    this.#labels = [];
    if (labels.length > 0) this.#reading.push(this.#read(labels));
  }

  async #read(labels: readonly string[]): Promise<KernelTime[]> {
    const ticks = await readQueries(this.#device, this.#querySet, 2 * labels.length);
    return labels.map((label, i) => {
      const [begun, ended] = [ticks[2 * i]!, ticks[2 * i + 1]!];
      // 0: the driver never wrote it. Some clocks step back where they are reset.
      const isKnown = begun > 0n && ended >= begun;
      return { label, elapsedMs: isKnown ? Number(ended - begun) * this.#msPerTick : undefined };
    });
  }
}

/** Times by the wall clock: every dispatch is handed over alone to an idle device. */
export class WaitTimer implements KernelTimer {
  #times: KernelTime[] = [];
  #waits: Promise<undefined>[] = [];
  #label = "";
  #elapsedMs = 0;

  begin(backend: BackendInternals, label: string): void {
    this.#submit(backend);
    this.#label = label;
  }

  end(backend: BackendInternals): void {
    const elapsedMs = this.#submit(backend);
    this.#elapsedMs += elapsedMs;
    this.#times.push({ label: this.#label, elapsedMs });
  }

  copy(backend: BackendInternals, label: string, encode: () => void): void {
    this.begin(backend, label);
    backend.ensureCommandEncoderReady();
    encode();
    this.end(backend);
  }

  async take(backend: BackendInternals): Promise<KernelTime[]> {
    this.#submit(backend);
    const begun = performance.now();
    await Promise.all(this.#waits);
    const leftMs = performance.now() - begun;
    const times = this.#times;
    const isBlocking = leftMs < SETTLE_MS + this.#elapsedMs / 4;
    this.#times = [];
    this.#waits = [];
    this.#elapsedMs = 0;
    return isBlocking ? times : times.map(({ label }) => ({ label, elapsedMs: undefined }));
  }

  dispose(): void {}

  /**
   * Hands over what waits and gives the time until it was done. Deno asks the device to finish
   * inside the call; `take` makes sure that it did: nothing much may be left to wait for then.
   */
  #submit(backend: BackendInternals): number {
    const begun = performance.now();
    submitPending(backend);
    this.#waits.push(backend.queue.onSubmittedWorkDone());
    return performance.now() - begun;
  }
}

/** Waiting for a device that is idle already takes about 12 ms, more on a busy machine. */
const SETTLE_MS = 250;
