/** Tensors of zeros of any size a buffer holds; tfjs's own fill must fit a binding. */

import { encodeCopy } from "./kernel_timer.ts";
import { allocate } from "./program.ts";
import { tf } from "./tf.ts";
import { webgpuInternals } from "./webgpu_internals.ts";

/**
 * Makes a tensor of zeros that no other tensor shares.
 *
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED.
 */
export function zeros(shape: readonly number[]): tf.Tensor {
  if (tf.getBackend() !== "webgpu") return tf.zeros([...shape]);
  const tensor = allocate(shape);
  const backend = webgpuInternals();
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  const buffer = backend.tensorMap.get(tensor.dataId).resource!;
  encodeCopy(backend, "clear", () => backend.commandEncoder!.clearBuffer(buffer));
  backend.commandQueueOwnedIds.add(tensor.dataId);
  return tensor;
}
