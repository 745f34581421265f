/**
 * Runs a computation for its allocations alone, on a device that computes nothing: the same code
 * makes the same tensors in the same order, so the bytes are those of the real run. It takes the
 * place of the current device while it runs, and must not wait for anything.
 */

import { UNWATCHED } from "./device_watch.ts";
import { type AdapterFacts, currentDevice, type Device, factsOf, withDevice } from "./device.ts";
import { COMMON_PROFILE, type DeviceProfile, rehearsalDevice } from "./rehearsal_device.ts";
import { tf } from "./tf.ts";
import { findAdapter, guardedBackend, useSettledFlags } from "./webgpu_backend.ts";
import { webgpuInternals } from "./webgpu_internals.ts";

/** The device that a computation is rehearsed for. */
export interface RehearsalTarget extends DeviceProfile {
  readonly adapter: AdapterFacts;
}

/** A GPU as there are many, where no adapter is at hand. */
export const COMMON_TARGET: RehearsalTarget = {
  ...COMMON_PROFILE,
  adapter: { vendor: "", architecture: "", description: "a common GPU", software: false },
};

/** The device that is open, as a target; undefined off webgpu. */
export function openTarget(): RehearsalTarget | undefined {
  const { adapter, features } = currentDevice();
  if (!adapter) return undefined;
  return { adapter, features, limits: limitsOf(webgpuInternals().device.limits) };
}

/** The adapter that a run would open, as a target; undefined: there is none. */
export async function likelyTarget(): Promise<RehearsalTarget | undefined> {
  const adapter = await findAdapter();
  if (!adapter) return undefined;
  const { info, limits, features } = adapter;
  return { adapter: factsOf(info), features: new Set(features), limits: limitsOf(limits) };
}

function limitsOf(limits: GPUSupportedLimits): Record<string, number> {
  const names = Object.keys(COMMON_TARGET.limits) as (keyof GPUSupportedLimits)[];
  return Object.fromEntries(names.map((name) => [name, limits[name] as number]));
}

/** The parts of tfjs's engine that say which backend is current. */
interface EngineInternals {
  backendName: string;
  backendInstance: unknown;
  readonly registry: Record<string, unknown>;
}

/**
 * Runs `f` on a device of the target's kind. Tensors it makes belong to it: it disposes what it
 * keeps, the others go with it.
 *
 * @param f Given the device, whose memory tells the bytes; throws where limits are exceeded.
 * @throws {OddsmithError} DeviceError, as the real device would.
 */
export function rehearse<T>(target: RehearsalTarget, f: (device: Device) => T): T {
  const engine = tf.engine() as unknown as EngineInternals;
  const before = {
    name: engine.backendName,
    instance: engine.backendInstance,
    webgpu: engine.registry.webgpu,
  };
  useSettledFlags();
  const gpu = rehearsalDevice(target);
  const info = { ...target.adapter, isFallbackAdapter: target.adapter.software };
  const { backend, memory } = guardedBackend(gpu, info as unknown as GPUAdapterInfo);
  const device: Device = {
    backend: "webgpu",
    adapter: target.adapter,
    limits: {
      maxBufferBytes: target.limits.maxBufferSize!,
      maxBindingBytes: target.limits.maxStorageBufferBindingSize!,
    },
    features: target.features,
    note: `a rehearsal for ${target.adapter.description}`,
    ...UNWATCHED,
    memory,
  };
  engine.registry.webgpu = backend;
  engine.backendName = "webgpu";
  engine.backendInstance = backend;
  try {
    return withDevice(device, () => {
      let result: T;
      tf.tidy(() => {
        result = f(device);
      });
      return result!;
    });
  } finally {
    engine.backendName = before.name;
    engine.backendInstance = before.instance;
    engine.registry.webgpu = before.webgpu;
  }
}
