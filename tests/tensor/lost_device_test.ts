/** Apart from the other device tests: it leaves the process without its WebGPU device. */

import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { webgpuInternals } from "../../src/tensor/webgpu_internals.ts";
import { skipWebGPU } from "./backends.ts";

Deno.test({
  name: "webgpu: a lost device ends every wait, one for a map that never comes included",
  ignore: skipWebGPU,
  fn: async () => {
    const device = await openDevice("webgpu");
    const tensor = tf.ones([300]).add(1);
    const map = GPUBuffer.prototype.mapAsync;
    GPUBuffer.prototype.mapAsync = () => new Promise<undefined>(() => {});
    const hanging = assertRejects(() => readFloats(tensor), OddsmithError);
    GPUBuffer.prototype.mapAsync = map;
    webgpuInternals().device.destroy();
    const lost = await hanging;
    assertEquals(lost.code, "LOST");
    assertMatch(
      lost.message,
      /lost \(destroyed\).*held by this process: [\d.]+ ?\w*B; allowed: .*B a buffer, .*B a binding/,
    );

    // From here on operations throw whatever they come upon, or lead to nothing.
    const later = async () => await readFloats(tensor.add(tf.ones([300])));
    const explainedLater = await later().then(() => undefined, (error) => device.explain(error));
    assertEquals((explainedLater as OddsmithError).code, "LOST");
    assertEquals(assertThrows(() => device.checkFailed(), OddsmithError).code, "LOST");
    const explained = await device.explain(new TypeError("what followed from it"));
    assertEquals((explained as OddsmithError).code, "LOST");
    const unrelated = new OddsmithError("TrainError", "NO_PAIRS", "Cannot train");
    assertEquals(await device.explain(unrelated), unrelated);
  },
});

Deno.test("cpu, wasm: errors are explained by themselves", async () => {
  for (const backend of ["cpu", "wasm"] as const) {
    const device = await openDevice(backend);
    const error = new RangeError("Array buffer allocation failed");
    assertEquals(await device.explain(error), error);
    assertEquals(await device.whileThere(Promise.resolve(7)), 7);
  }
});
