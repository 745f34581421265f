/** rehearse: the bytes of a real run, and the device as it was. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { currentDevice, openDevice } from "../../src/tensor/device.ts";
import { matMul } from "../../src/tensor/matmul.ts";
import { allocate } from "../../src/tensor/program.ts";
import { COMMON_TARGET, openTarget, rehearse } from "../../src/tensor/rehearsal.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend, skipWebGPU } from "./backends.ts";

/** Some of everything: fused programs, tfjs's own, uploads, frees. */
function work(): void {
  tf.tidy(() => {
    let x = allocate([300, 200]) as tf.Tensor2D;
    for (let i = 0; i < 20; i++) {
      const y = matMul(x, tf.tensor2d(new Float32Array(200 * 200), [200, 200]));
      x = tf.tidy(() => tf.add(tf.relu(y), tf.sum(y, 0)));
    }
  });
}

Deno.test({
  name: "rehearse: allocates what the device allocates, to the byte",
  ignore: skipWebGPU,
  fn: async () => {
    const device = await openDevice("webgpu");
    device.memory.restart();
    const before = device.memory.bytes();
    work();
    // Scratch textures and pooled buffers of earlier work may serve again; new ones may not appear.
    const grown = device.memory.peakBytes() - before;
    const told = rehearse(openTarget()!, ({ memory }) => {
      work();
      return memory.peakBytes();
    });
    assert(told > 2 ** 20 && grown <= told, `${grown} of ${told}`);
    const again = rehearse(openTarget()!, ({ memory }) => {
      work();
      return memory.peakBytes();
    });
    assertEquals(again, told);
  },
});

forEachBackend("rehearse: leaves backend, device and tensors as they were", async (device) => {
  const x = tf.tensor1d([1, 2, 3]);
  const count = tf.memory().numTensors;
  rehearse(COMMON_TARGET, (rehearsed) => {
    assertEquals(currentDevice(), rehearsed);
    assertEquals(tf.getBackend(), "webgpu");
    work();
    tf.tensor1d([7]);
  });
  assertThrows(
    () =>
      rehearse(COMMON_TARGET, () => {
        throw new Error("in between");
      }),
    Error,
    "in between",
  );
  assertEquals(currentDevice(), device);
  assertEquals(tf.getBackend(), device.backend);
  assertEquals(tf.memory().numTensors, count);
  assertEquals([...await takeFloats(tf.add(x, 1))], [2, 3, 4]);
  x.dispose();
});

Deno.test("rehearse: limits are the target's", () => {
  const limits = { ...COMMON_TARGET.limits, maxBufferSize: 2 ** 20 };
  const error = assertThrows(
    () => rehearse({ ...COMMON_TARGET, limits }, () => allocate([1024, 1024])),
    OddsmithError,
  );
  assertEquals(error.code, "LIMIT_EXCEEDED");
});
