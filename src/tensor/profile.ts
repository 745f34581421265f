/**
 * Profiles: where the time of some work on the current device goes, by operation. On webgpu the
 * device's own timestamps say so where they are of use, else each kernel is handed over alone and
 * waited for; on wasm and cpu, where a kernel is a function call, the wall clock does.
 *
 * Invariant: the work gives the same bits as it would unprofiled. It takes longer.
 */

import { currentDevice } from "./device.ts";
import { alreadyProfiling } from "./errors.ts";
import {
  activeTimer,
  type KernelTime,
  type KernelTimer,
  noteKernels,
  TimestampTimer,
  useTimer,
  WaitTimer,
} from "./kernel_timer.ts";
import { tf } from "./tf.ts";
import { millisecondsPerTick } from "./timestamps.ts";
import { submitPending, webgpuInternals } from "./webgpu_internals.ts";

/**
 * How kernels are timed: by the device's timestamps; each alone, by waiting for it; as function
 * calls, by the wall clock.
 */
export type ProfileMethod = "timestamp-query" | "submit-and-wait" | "wall-clock";

/** All runs of one operation together. */
export interface OpProfile {
  /** Ours by name; tfjs's with "tfjs" before it. */
  readonly label: string;
  /** How often it ran. */
  readonly count: number;
  /** Milliseconds in its kernels. */
  readonly totalMs: number;
  /** Of the time of all kernels, 0 to 1. */
  readonly share: number;
}

/** Where the time of some work went. */
export interface Profile {
  /** How kernels were timed. */
  readonly method: ProfileMethod;
  /** Milliseconds the work took, from an idle device to an idle device. */
  readonly wallMs: number;
  /** Milliseconds of it in kernels. */
  readonly kernelMs: number;
  /** Runs whose time the device did not tell; they count as 0 ms. */
  readonly untimed: number;
  /** The operations, the costliest first. */
  readonly ops: readonly OpProfile[];
}

/**
 * Collects the time of work that is done between `start` and `stop`, as often as one likes.
 *
 * @example
 * ```ts ignore
 * const profiler = new Profiler();
 * await profiler.start();
 * trainSomeSteps();
 * await profiler.stop();
 * console.log(profiler.profile().ops);
 * ```
 */
export class Profiler {
  readonly #totals = new Map<string, { count: number; totalMs: number }>();
  readonly #wanted: ProfileMethod | undefined;
  #method: ProfileMethod = "wall-clock";
  #timer: KernelTimer | undefined;
  #wallMs = 0;
  #untimed = 0;
  #begun = 0;
  #end: (() => Promise<KernelTime[]>) | undefined;

  /** @param method On webgpu, in place of the best there is. */
  constructor(method?: Exclude<ProfileMethod, "wall-clock">) {
    this.#wanted = method;
  }

  /**
   * Waits until the current device is idle and begins to time kernels.
   *
   * @throws {OddsmithError} DeviceError PROFILING where another profile is being made.
   */
  async start(): Promise<void> {
    if (isProfiling) throw alreadyProfiling();
    isProfiling = true;
    try {
      this.#end = currentDevice().backend === "webgpu" ? await this.#timeGpu() : timeCalls();
    } catch (error) {
      isProfiling = false;
      throw error;
    }
    this.#begun = performance.now();
  }

  /** Waits until the work is done and adds it to the profile. Without a `start`, does nothing. */
  async stop(): Promise<void> {
    const end = this.#end;
    if (!end) return;
    this.#end = undefined;
    try {
      const device = currentDevice();
      if (device.backend === "webgpu") await device.whileThere(idle());
      this.#wallMs += performance.now() - this.#begun;
      for (const time of await device.whileThere(end())) this.#add(time);
    } finally {
      useTimer(undefined);
      isProfiling = false;
    }
  }

  /** Frees what the timing holds on the device. */
  dispose(): void {
    if (activeTimer() === this.#timer) useTimer(undefined);
    this.#timer?.dispose();
    this.#timer = undefined;
  }

  /** What was seen so far. */
  profile(): Profile {
    const kernelMs = [...this.#totals.values()].reduce((sum, { totalMs }) => sum + totalMs, 0);
    const ops = [...this.#totals].map(([label, { count, totalMs }]) => ({
      label,
      count,
      totalMs,
      share: kernelMs > 0 ? totalMs / kernelMs : 0,
    }));
    ops.sort((a, b) => b.totalMs - a.totalMs || (a.label < b.label ? -1 : 1));
    return { method: this.#method, wallMs: this.#wallMs, kernelMs, untimed: this.#untimed, ops };
  }

  #add({ label, elapsedMs }: KernelTime): void {
    const total = this.#totals.get(label) ?? { count: 0, totalMs: 0 };
    total.count++;
    if (elapsedMs === undefined) this.#untimed++;
    else total.totalMs += elapsedMs;
    this.#totals.set(label, total);
  }

  async #timeGpu(): Promise<() => Promise<KernelTime[]>> {
    const { device } = webgpuInternals();
    if (!this.#timer) {
      const msPerTick = this.#wanted === "submit-and-wait"
        ? undefined
        : await millisecondsPerTick(device);
      this.#method = msPerTick === undefined ? "submit-and-wait" : "timestamp-query";
      this.#timer = msPerTick === undefined
        ? new WaitTimer()
        : new TimestampTimer(device, msPerTick);
    }
    const timer = this.#timer;
    await idle();
    useTimer(timer);
    const endNotes = noteKernels();
    return async () => {
      endNotes();
      return await timer.take(webgpuInternals());
    };
  }
}

let isProfiling = false;

/** Times tfjs's kernels as function calls, which they are on wasm and cpu. */
function timeCalls(): () => Promise<KernelTime[]> {
  const { promise, resolve } = Promise.withResolvers<tf.TensorContainer>();
  const profiled = tf.profile(() => promise);
  const backend = tf.getBackend();
  return async () => {
    resolve([]);
    const { kernels } = await profiled;
    // Functions with gradients of their own are there too, around the kernels that they run.
    const calls = kernels.filter(({ name }) => tf.getKernel(name, backend) !== undefined);
    return await Promise.all(calls.map(async ({ name, kernelTimeMs }) => {
      const elapsedMs = await kernelTimeMs;
      const isKnown = typeof elapsedMs === "number";
      return { label: `tfjs ${name}`, elapsedMs: isKnown ? elapsedMs : undefined };
    }));
  };
}

async function idle(): Promise<void> {
  const backend = webgpuInternals();
  submitPending(backend);
  await backend.queue.onSubmittedWorkDone();
}
