/** Reads tensors back to JavaScript: the only place where a result leaves the device. */

import { currentDevice } from "./device.ts";
import type { tf } from "./tf.ts";

/**
 * Waits for a tensor's values (a copy on webgpu costs about 12 ms whatever its size) and makes sure
 * that the device did not fail on the way. Does not dispose the tensor.
 *
 * @throws {OddsmithError} DeviceError OUT_OF_MEMORY, LOST or UNCAPTURED.
 */
export async function readFloats(tensor: tf.Tensor): Promise<Float32Array> {
  const device = currentDevice();
  let values: Float32Array;
  try {
    values = await device.whileThere(tensor.data<"float32">());
  } catch (error) {
    throw await device.explain(error);
  }
  device.checkFailed();
  return values;
}

/** Reads a tensor as `readFloats` does and disposes it. */
export async function takeFloats(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return await readFloats(tensor);
  } finally {
    tensor.dispose();
  }
}
