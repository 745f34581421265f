/**
 * The WebGPU backend of tfjs with what it lacks: every program's tensors are checked against the
 * device's limits before dispatch, errors that WebGPU reports on the side are kept until somebody
 * asks, and only programs whose results repeat bit by bit are used.
 *
 * Invariant: a tensor that outgrows a limit throws; tfjs alone would go on with zeros.
 */

import { tmpdir } from "node:os";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { tf } from "./tf.ts";
import { type DeviceWatch, watchDevice } from "./device_watch.ts";
import { limitExceeded } from "./errors.ts";
import { boundPool } from "./buffer_pool.ts";
import { registerLargeAdd } from "./large_add.ts";
import { activeTimer, runningKernel } from "./kernel_timer.ts";
import { type DeviceMemory, WatchedMemory } from "./memory.ts";
import { scratchBytes } from "./texels.ts";
import { type BackendInternals, type BufferPool, submitPending } from "./webgpu_internals.ts";

/** The limits asked of the adapter in full; the others stay at WebGPU's defaults. */
const WANTED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
  "maxTextureDimension2D",
] as const;

/** Asked for where the adapter offers them; a program must look before it uses one. */
const WANTED_FEATURES = [
  "shader-f16",
  "timestamp-query",
  "subgroups" as GPUFeatureName,
] as const satisfies GPUFeatureName[];

/** tfjs's MatMulPackedProgram; the split-K one adds floats atomically, in no fixed order. */
const PACKED_MATMUL = 3;

/** What a running WebGPU device tells of itself. */
export interface WebGPUHandle {
  readonly backend: WebGPUBackend;
  readonly info: GPUAdapterInfo;
  readonly limits: GPUSupportedLimits;
  readonly features: ReadonlySet<string>;
  readonly memory: DeviceMemory;
  /** Hears what WebGPU reports. */
  readonly watch: DeviceWatch;
}

/** Opens the adapter with its full limits and registers it as tfjs's "webgpu"; undefined: none. */
export async function openWebGPU(): Promise<WebGPUHandle | undefined> {
  const adapter = await findAdapter();
  if (!adapter) return undefined;
  const requiredLimits = Object.fromEntries(
    WANTED_LIMITS.map((name) => [name, adapter.limits[name]]),
  );
  const requiredFeatures = WANTED_FEATURES.filter((name) => adapter.features.has(name));
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  const { backend, memory } = guardedBackend(device, adapter.info);
  const watch = watchDevice(device, () => memory.bytes());
  useSettledFlags();
  tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => backend);
  const features = new Set<string>(requiredFeatures);
  const { limits } = device;
  return { backend, info: adapter.info, limits, features, memory, watch };
}

/** The adapter that is opened; undefined: none. */
export async function findAdapter(): Promise<GPUAdapter | undefined> {
  setDefaults();
  const found = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  return found ?? undefined;
}

/** tfjs's backend on a device, with its limits checked, its pool bounded and its memory watched. */
export function guardedBackend(
  device: GPUDevice,
  info: GPUAdapterInfo,
): { backend: WebGPUBackend; memory: DeviceMemory } {
  const backend = new GuardedBackend(device, info);
  const pool = backend.bufferManager as unknown as BufferPool;
  const empty = boundPool(pool, () => memory.note());
  const memory = new WatchedMemory(() => pool.numBytesAllocated + scratchBytes(device), () => {
    // What waiting commands use comes into the pool with their submission.
    submitPending(backend as unknown as BackendInternals);
    empty();
  });
  return { backend, memory };
}

/** Fixes which of its programs tfjs takes, for results that repeat. */
export function useSettledFlags(): void {
  tf.env().set("WEBGPU_MATMUL_PROGRAM_TYPE", PACKED_MATMUL);
  // Off: a small tensor would be computed on the CPU or the GPU depending on where it was last,
  // and a resumed run would differ from an uninterrupted one in the last bits.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  registerLargeAdd();
}

/** Settings that Deno and drivers take from the environment; those already set stay. */
function setDefaults(): void {
  const setDefault = (name: string, value: string) => {
    if (!Deno.env.get(name)) Deno.env.set(name, value);
  };
  // Not OpenGL: it answers where there is no Vulkan driver, and takes seconds a shader.
  setDefault("DENO_WEBGPU_BACKEND", "vulkan,metal,dx12");
  // Linux drivers look for a display's socket there and complain on stderr where it is not set.
  setDefault("XDG_RUNTIME_DIR", tmpdir());
}

type Program = Parameters<WebGPUBackend["runWebGPUProgram"]>[0];

/** Refuses programs whose output or inputs no binding can hold. */
class GuardedBackend extends WebGPUBackend {
  override runWebGPUProgram(
    ...args: Parameters<WebGPUBackend["runWebGPUProgram"]>
  ): ReturnType<WebGPUBackend["runWebGPUProgram"]> {
    const [program, inputs, , , output] = args;
    this.#check(program, program.outputShape);
    for (const input of inputs) this.#check(program, input.shape);
    const timer = activeTimer();
    if (!timer || program.outputShape.includes(0)) return super.runWebGPUProgram(...args);
    // An upload ends the compute pass that the timer opens: nothing may be left to upload.
    for (const tensor of output ? [...inputs, output] : inputs) this.uploadToGPU(tensor.dataId);
    const backend = this as unknown as BackendInternals;
    timer.begin(backend, `tfjs ${runningKernel() ?? program.constructor.name}`);
    const result = super.runWebGPUProgram(...args);
    timer.end(backend);
    return result;
  }

  #check(program: Program, shape: readonly number[]): void {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    const allowedBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    const askedBytes = 4 * shape.reduce((product, size) => product * size, 1);
    if (askedBytes <= allowedBytes) return;
    throw limitExceeded({
      what: `"${program.constructor.name}"`,
      shape,
      askedBytes,
      allowedBytes,
      option: "microBatchSize or maxLength",
    });
  }
}
