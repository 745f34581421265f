/** Asks, before anything is dispatched, whether a tensor fits the current device. */

import { currentDevice } from "./device.ts";
import { limitExceeded } from "./errors.ts";

/** Bytes one tensor may take on the current device. */
export function maxTensorBytes(): number {
  const { maxBufferBytes, maxBindingBytes } = currentDevice().limits;
  return Math.min(maxBufferBytes, maxBindingBytes);
}

/**
 * Refuses a shape that the device cannot hold in one tensor (4 bytes an element, as tfjs keeps
 * both float32 and int32).
 *
 * @param what What is computed, for the message: "attention scores".
 * @param option The option to lower: "maxLength".
 * @param allowedBytes What a tensor may take; default: what one binding sees.
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED with asked, allowed, shape and option.
 */
export function checkFits(
  shape: readonly number[],
  what: string,
  option: string,
  allowedBytes: number = maxTensorBytes(),
): void {
  const askedBytes = 4 * shape.reduce((product, size) => product * size, 1);
  if (askedBytes > allowedBytes) {
    throw limitExceeded({ what, shape, askedBytes, allowedBytes, option });
  }
}
