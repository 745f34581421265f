/** Makes tensors until the device has no memory left, and writes what the next read says. */

import { OddsmithError } from "../../src/base/error.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { allocate } from "../../src/tensor/program.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";

const SIZE = 100 * 2 ** 20 / 4;
await openDevice("webgpu");
for (let i = 0; i < 40; i++) {
  allocate([SIZE]);
}
const error = await readFloats(tf.ones([5]).add(1)).catch((error) => error);
if (!(error instanceof OddsmithError)) throw error;
console.log(JSON.stringify({ code: error.code, message: error.message, hint: error.hint }));
