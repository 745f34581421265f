/** Runs a test on every backend; webgpu is skipped, with the reason, where there is no adapter. */

import { type Backend, type Device, openDevice } from "../../src/tensor/device.ts";

const problem: Error | undefined = await openDevice("webgpu").then(() => undefined, (e) => e);

/** True where WebGPU tests are to be skipped; never under REQUIRE_WEBGPU=1, where they fail. */
export const skipWebGPU: boolean = problem !== undefined &&
  Deno.env.get("REQUIRE_WEBGPU") !== "1";
if (skipWebGPU) console.log(`webgpu tests are skipped: ${problem?.message}`);

/** Registers `name` once a backend. */
export function forEachBackend(
  name: string,
  fn: (device: Device) => void | Promise<void>,
  backends: readonly Backend[] = ["cpu", "wasm", "webgpu"],
): void {
  for (const backend of backends) {
    Deno.test({
      name: `${name} [${backend}]`,
      ignore: backend === "webgpu" && skipWebGPU,
      fn: async () => {
        const device = await openDevice(backend);
        await fn(device);
        device.checkFailed();
      },
    });
  }
}
