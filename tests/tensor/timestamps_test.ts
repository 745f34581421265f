import { assert, assertEquals } from "@std/assert";
import { millisecondsPerTick } from "../../src/tensor/timestamps.ts";
import { skipWebGPU } from "./backends.ts";

async function withDevice(
  requiredFeatures: GPUFeatureName[],
  fn: (device: GPUDevice) => Promise<void>,
): Promise<void> {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter!.requestDevice({ requiredFeatures });
  try {
    await fn(device);
  } finally {
    device.destroy();
  }
}

Deno.test({
  name: "millisecondsPerTick: none without the feature, or where the driver writes nothing",
  ignore: skipWebGPU,
  fn: async () => {
    await withDevice([], async (device) => {
      assertEquals(await millisecondsPerTick(device), undefined);
    });
    const resolve = GPUCommandEncoder.prototype.resolveQuerySet;
    GPUCommandEncoder.prototype.resolveQuerySet = () => undefined;
    try {
      await withDevice(["timestamp-query"], async (device) => {
        assertEquals(await millisecondsPerTick(device), undefined);
      });
    } finally {
      GPUCommandEncoder.prototype.resolveQuerySet = resolve;
    }
  },
});

Deno.test({
  name: "millisecondsPerTick: nanoseconds are taken as such, other ticks are measured",
  ignore: skipWebGPU,
  fn: async () => {
    await withDevice(["timestamp-query"], async (device) => {
      assertEquals(await millisecondsPerTick(device), 1e-6);
      const now = performance.now;
      performance.now = () => 40 * now.call(performance);
      try {
        const scaled = (await millisecondsPerTick(device))!;
        assert(scaled > 2e-5 && scaled < 8e-5, String(scaled));
      } finally {
        performance.now = now;
      }
    });
  },
});
