/**
 * Opens the device that tensors live on and says what it is. One device a process is current;
 * tensors of one backend must not be used after another was opened.
 */

import { tf } from "./tf.ts";
import {
  ADAPTER_HINT,
  backendFailed,
  bytes,
  noAdapter,
  noDevice,
  unknownDevice,
} from "./errors.ts";
import { UNWATCHED } from "./device_watch.ts";
import { type DeviceMemory, WatchedMemory } from "./memory.ts";
import type { WebGPUHandle } from "./webgpu_backend.ts";

/** The backends there are. */
export type Backend = "webgpu" | "wasm" | "cpu";

/** What a pipeline may ask for; "auto": webgpu where there is an adapter, else wasm. */
export type DeviceChoice = "auto" | Backend;

/** What a WebGPU adapter says of itself. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** True for a driver that computes on the CPU. */
  readonly software: boolean;
}

/** What one tensor may take, in bytes. */
export interface DeviceLimits {
  readonly maxBufferBytes: number;
  /** What one operation can see of a buffer. */
  readonly maxBindingBytes: number;
}

/** An open device. */
export interface Device {
  readonly backend: Backend;
  /** Present on webgpu. */
  readonly adapter?: AdapterFacts;
  readonly limits: DeviceLimits;
  /** Optional WebGPU features in use: "shader-f16", "timestamp-query", "subgroups". */
  readonly features: ReadonlySet<string>;
  /** One line for people: which device this is and, without an adapter, what to install. */
  readonly note: string;
  /**
   * Asks whether WebGPU reported an error or lost the device since it was opened.
   *
   * @throws {OddsmithError} DeviceError OUT_OF_MEMORY, LOST or UNCAPTURED: results since are not to
   * be trusted.
   */
  checkFailed(): void;
  /**
   * Gives what the device itself reported where it failed, for that explains whatever was thrown
   * meanwhile; else `error`. May wait a moment for the report.
   */
  explain(error: unknown): Promise<unknown>;
  /**
   * Waits for work of the device, and no longer than there is a device.
   *
   * @throws {OddsmithError} DeviceError LOST; what the work throws.
   */
  whileThere<T>(work: Promise<T>): Promise<T>;
  /** What it holds. */
  readonly memory: DeviceMemory;
}

/** WebAssembly addresses 4 GiB; a typed array over its memory holds at most 2. */
const WASM_MAX_BYTES = 2 ** 31;

const opened = new Map<Backend, Promise<Device>>();
let current: Device | undefined;

/**
 * Opens a device and makes it the one tensors are made on. Asking again for the same one gives the
 * same.
 *
 * @throws {OddsmithError} DeviceError NO_ADAPTER where "webgpu" is asked for and there is none,
 * UNKNOWN_DEVICE, BACKEND_FAILED.
 */
export async function openDevice(want: DeviceChoice): Promise<Device> {
  const device = await choose(want);
  await tf.setBackend(device.backend);
  current = device;
  return device;
}

/** The device opened last. @throws {OddsmithError} DeviceError NO_DEVICE before `openDevice`. */
export function currentDevice(): Device {
  if (!current) throw noDevice();
  return current;
}

/** Runs `f`, which waits for nothing, while another device is current. */
export function withDevice<T>(device: Device, f: () => T): T {
  const before = current;
  current = device;
  try {
    return f();
  } finally {
    current = before;
  }
}

async function choose(want: DeviceChoice): Promise<Device> {
  switch (want) {
    case "webgpu":
      return await open("webgpu");
    case "wasm":
      return await open("wasm");
    case "cpu":
      return await open("cpu");
    case "auto":
      return await open("webgpu").catch(async (error) => {
        const device = await open("wasm");
        const reason = error.code === "NO_ADAPTER" ? "no WebGPU adapter" : error.message;
        return { ...device, note: `${device.note}: ${reason}; for WebGPU ${ADAPTER_HINT}` };
      });
    default:
      throw unknownDevice(want);
  }
}

function open(backend: Backend): Promise<Device> {
  const known = opened.get(backend);
  if (known) return known;
  const opening = start(backend);
  opened.set(backend, opening);
  opening.catch(() => opened.delete(backend));
  return opening;
}

async function start(backend: Backend): Promise<Device> {
  try {
    if (backend === "webgpu") {
      const { openWebGPU } = await import("./webgpu_backend.ts");
      const handle = await openWebGPU();
      if (!handle) throw noAdapter();
      return webgpuDevice(handle);
    }
    if (backend === "wasm") await (await import("./wasm_backend.ts")).setUpWasm();
    if (!await tf.setBackend(backend)) throw new Error("tfjs could not initialize it");
    return plainDevice(backend);
  } catch (error) {
    if ((error as { kind?: string }).kind === "DeviceError") throw error;
    throw backendFailed(backend, error);
  }
}

/** What an adapter says of itself. */
export function factsOf(info: GPUAdapterInfo): AdapterFacts {
  const { vendor, architecture, description, isFallbackAdapter } = info;
  return { vendor, architecture, description, software: isFallbackAdapter };
}

function webgpuDevice(handle: WebGPUHandle): Device {
  const adapter = factsOf(handle.info);
  const { vendor, architecture, description, software } = adapter;
  const { maxBufferSize, maxStorageBufferBindingSize } = handle.limits;
  const name = description || [vendor, architecture].filter((part) => part !== "").join(" ");
  const kind = software ? "software adapter on the CPU" : "GPU";
  return {
    backend: "webgpu",
    adapter,
    limits: { maxBufferBytes: maxBufferSize, maxBindingBytes: maxStorageBufferBindingSize },
    features: handle.features,
    note: `WebGPU on ${name} (${kind}, ${bytes(maxStorageBufferBindingSize)} a binding)`,
    ...handle.watch,
    memory: handle.memory,
  };
}

function plainDevice(backend: "wasm" | "cpu"): Device {
  const limit = backend === "wasm" ? WASM_MAX_BYTES : Number.MAX_SAFE_INTEGER;
  return {
    backend,
    limits: { maxBufferBytes: limit, maxBindingBytes: limit },
    features: new Set(),
    note: backend === "wasm" ? "WebAssembly on one CPU thread" : "plain JavaScript on the CPU",
    ...UNWATCHED,
    memory: new WatchedMemory(() => tf.memory().numBytes),
  };
}
