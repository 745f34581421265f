/** Apart from the other device tests: it leaves the process's WebGPU device marked as failed. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { maxTensorBytes } from "../../src/tensor/limits.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { skipWebGPU } from "./backends.ts";

Deno.test({
  name: "webgpu: an error that WebGPU reports on the side fails the next readback",
  ignore: skipWebGPU,
  fn: async () => {
    await openDevice("webgpu");
    const backend = tf.backend() as unknown as { runWebGPUProgram: unknown };
    const guarded = Object.getPrototypeOf(backend);
    const unguarded = Object.getPrototypeOf(guarded).runWebGPUProgram;
    backend.runWebGPUProgram = unguarded;
    const rows = Math.floor(maxTensorBytes() / 4 / 1024) + 512;
    const sum = tf.tidy(() => {
      const big = tf.add(tf.ones([rows, 1]), tf.ones([1, 1024]));
      return tf.sum(tf.slice(big, [0, 0], [4, 4]));
    });
    const error = await assertRejects(() => readFloats(sum), OddsmithError);
    assertEquals(error.code, "UNCAPTURED");
    assertMatch(error.message, /allowed: .*iB a buffer/);
    assert(error.hint?.includes("microBatchSize"));
    sum.dispose();
  },
});
