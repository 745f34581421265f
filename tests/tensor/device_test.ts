import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { checkFits, maxTensorBytes } from "../../src/tensor/limits.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend, skipWebGPU } from "./backends.ts";

forEachBackend("openDevice: computes on the backend it was asked for", async (device) => {
  assertEquals(tf.getBackend(), device.backend);
  assertEquals([...await takeFloats(tf.tidy(() => tf.add([1, 2], [3, 4])))], [4, 6]);
  assert(device.memory.bytes() >= 0);
  assert(device.note.length > 0);
});

Deno.test("openDevice: an unknown name lists the known ones", async () => {
  const error = await assertRejects(() => openDevice("gpu" as "webgpu"), OddsmithError);
  assertEquals(error.code, "UNKNOWN_DEVICE");
  assertMatch(error.message, /"webgpu", "wasm" or "cpu"/);
});

Deno.test("openDevice: auto takes webgpu where there is an adapter, else says what to install", async () => {
  const device = await openDevice("auto");
  if (skipWebGPU) {
    assertEquals(device.backend, "wasm");
    assertMatch(device.note, /mesa-vulkan-drivers/);
  } else {
    assertEquals(device.backend, "webgpu");
    assertMatch(device.note, /^WebGPU on /);
  }
});

Deno.test({
  name: "webgpu: an operation beyond the limits throws before dispatch, with asked and allowed",
  ignore: skipWebGPU,
  fn: async () => {
    const device = await openDevice("webgpu");
    const size = Math.floor(maxTensorBytes() / 4 / 1024) + 512;
    const error = assertThrows(
      () => tf.tidy(() => tf.add(tf.ones([size, 1]), tf.ones([1, 1024]))),
      OddsmithError,
    );
    assertEquals(error.code, "LIMIT_EXCEEDED");
    assertMatch(error.message, new RegExp(`\\[${size}, 1024\\]`));
    assertMatch(error.message, /this device allows .*iB/);
    device.checkFailed();
    const early = assertThrows(
      () => checkFits([size, 1024], "logits", "microBatchSize"),
      OddsmithError,
      "Cannot compute logits",
    );
    assertEquals(early.hint, "lower microBatchSize");
    checkFits([64, 1024], "logits", "microBatchSize");
  },
});
