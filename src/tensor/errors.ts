/** The errors of the device layer. */

import { format as formatBytes } from "@std/fmt/bytes";
import { OddsmithError } from "../base/error.ts";

/** What to install so that a machine offers a WebGPU adapter. */
export const ADAPTER_HINT =
  "install the GPU's Vulkan driver, or a software one: apt-get install mesa-vulkan-drivers";

const deviceError = (code: string, message: string, hint: string, cause?: unknown): OddsmithError =>
  new OddsmithError("DeviceError", code, message, { hint, cause });

/** A device name that is none of ours. */
export function unknownDevice(name: string): OddsmithError {
  return deviceError(
    "UNKNOWN_DEVICE",
    `Cannot use device "${name}": expected "auto", "webgpu", "wasm" or "cpu"`,
    'set device to "auto" to take the best one there is',
  );
}

/** WebGPU was asked for by name and no adapter answers. */
export function noAdapter(): OddsmithError {
  return deviceError(
    "NO_ADAPTER",
    'Cannot use device "webgpu": this machine offers no WebGPU adapter',
    `${ADAPTER_HINT}; or set device to "wasm"`,
  );
}

/** A backend that is there but does not start. */
export function backendFailed(backend: string, cause: unknown): OddsmithError {
  const reason = cause instanceof Error ? cause.message : JSON.stringify(cause);
  return deviceError(
    "BACKEND_FAILED",
    `Cannot start the "${backend}" backend: ${reason}`,
    backend === "webgpu" ? ADAPTER_HINT : 'set device to "cpu"',
    cause,
  );
}

/** A tensor operation before any device was opened. */
export function noDevice(): OddsmithError {
  return deviceError(
    "NO_DEVICE",
    "Cannot compute: no device is open",
    "call openDevice before loading a model",
  );
}

/** A tensor that no buffer or binding of the device can hold. */
export function limitExceeded(options: {
  what: string;
  shape: readonly number[];
  askedBytes: number;
  allowedBytes: number;
  /** The option to lower. */
  option: string;
}): OddsmithError {
  const { what, shape, askedBytes, allowedBytes, option } = options;
  return deviceError(
    "LIMIT_EXCEEDED",
    `Cannot compute ${what}: a tensor [${shape.join(", ")}] takes ${bytes(askedBytes)}, ` +
      `this device allows ${bytes(allowedBytes)} in one binding`,
    `lower ${option}`,
  );
}

/** Operands whose sizes do not go together. */
export function sizeMismatch(
  what: string,
  left: readonly number[],
  right: readonly number[],
): OddsmithError {
  return deviceError(
    "SIZE_MISMATCH",
    `Cannot compute ${what}: [${left.join(", ")}] does not go with [${right.join(", ")}]`,
    "this is a fault of the caller",
  );
}

/** A matrix whose rows are no whole number of the blocks that its format packs together. */
export function unevenBlocks(
  shape: readonly number[],
  format: string,
  block: number,
): OddsmithError {
  return deviceError(
    "UNEVEN_BLOCKS",
    `Cannot pack a matrix [${shape.join(", ")}] as "${format}": its rows have ${
      shape[1]
    } values, ` +
      `which is no multiple of ${block}`,
    block > 2 ? 'pack it as "f16", or keep it in float32' : "keep it in float32",
  );
}

/** Values, or packed words, whose number is not what a matrix's shape asks for. */
export function wrongLength(
  shape: readonly number[],
  format: string,
  what: string,
  length: number,
  expected: number,
): OddsmithError {
  return deviceError(
    "WRONG_LENGTH",
    `Cannot pack a matrix [${shape.join(", ")}] as "${format}": it takes ${expected} ${what}, ` +
      `not ${length}`,
    "this is a fault of the caller",
  );
}

/** A weight that no scale can hold. */
export function nonFiniteWeight(format: string, index: number, value: number): OddsmithError {
  return deviceError(
    "NON_FINITE_WEIGHT",
    `Cannot pack a matrix as "${format}": value ${index} is ${value}`,
    "the checkpoint is damaged; load it without quantization to see where it comes from",
  );
}

/** More workgroups than one dispatch may have in a dimension. */
export function dispatchExceeded(
  what: string,
  workgroups: readonly number[],
  allowed: number,
  option: string,
): OddsmithError {
  return deviceError(
    "LIMIT_EXCEEDED",
    `Cannot compute ${what}: it takes [${workgroups.join(", ")}] workgroups, ` +
      `this device allows ${allowed} in a dimension`,
    `lower ${option}`,
  );
}

/** A tensor without elements where a program binds one: WebGPU has no binding of no bytes. */
export function emptyBinding(
  what: string,
  index: number,
  shape: readonly number[],
): OddsmithError {
  return deviceError(
    "EMPTY_BINDING",
    `Cannot compute ${what}: binding ${index} is a tensor [${shape.join(", ")}] without elements`,
    "leave the program out where there is nothing to compute",
  );
}

/** A tensor whose rows WebGPU cannot copy into a texture. */
export function misalignedTexels(what: string, stride: number, start: number): OddsmithError {
  return deviceError(
    "MISALIGNED_TEXELS",
    `Cannot compute ${what}: rows of ${stride} elements from element ${start} on cannot be texels`,
    "ask fitsTexels, and bind the tensor as a buffer where it says no",
  );
}

/** One buffer that a program is to read and to write in the same dispatch. */
export function sharedBuffer(what: string, index: number): OddsmithError {
  return deviceError(
    "SHARED_BUFFER",
    `Cannot compute ${what}: what binding ${index} writes is also an input`,
    "name the tensor in inPlace alone, or copy it first",
  );
}

/** What the process has of a device, and what it may have at a time. */
export interface DeviceFigures {
  /** Bytes it holds there. */
  readonly heldBytes: number;
  readonly maxBufferBytes: number;
  readonly maxBindingBytes: number;
}

const heldText = ({ heldBytes, maxBufferBytes, maxBindingBytes }: DeviceFigures): string =>
  `held by this process: ${bytes(heldBytes)}; allowed: ${bytes(maxBufferBytes)} a buffer, ` +
  `${bytes(maxBindingBytes)} a binding`;

const SMALLER = "lower microBatchTokens, microBatchSize (evaluate: batchSize) or maxLength";

/** An error that WebGPU reported beside the call that caused it: the results are not to be used. */
export function uncapturedError(
  messages: readonly string[],
  figures: DeviceFigures,
): OddsmithError {
  const more = messages.length > 1 ? ` (and ${messages.length - 1} more)` : "";
  return deviceError(
    "UNCAPTURED",
    `Cannot trust the device's results: ${messages[0]}${more}; ${heldText(figures)}`,
    `${SMALLER}; if it comes back with small ones, report it`,
  );
}

/** The device has no memory for a buffer, though none of its limits is passed. */
export function outOfMemory(
  message: string,
  askedBytes: number | undefined,
  figures: DeviceFigures,
): OddsmithError {
  const asked = askedBytes === undefined ? "" : ` asked for: ${bytes(askedBytes)};`;
  return deviceError(
    "OUT_OF_MEMORY",
    `Cannot allocate memory on the device (${message});${asked} ${heldText(figures)}`,
    `${SMALLER}, or end other programs that use the device`,
  );
}

/** The device went away: driver reset, out of memory, or unplugged. */
export function deviceLost(
  reason: string,
  message: string,
  figures: DeviceFigures,
): OddsmithError {
  return deviceError(
    "LOST",
    `Cannot go on: the GPU device was lost (${reason}): ${message}; ${heldText(figures)}`,
    `run the same command again; if it comes back, ${SMALLER}`,
  );
}

/** A profile begun while another is being made. */
export function alreadyProfiling(): OddsmithError {
  return deviceError(
    "PROFILING",
    "Cannot profile: another profile is being made",
    "stop that one first",
  );
}

/** Bytes for people, in binary units. */
export function bytes(count: number): string {
  return formatBytes(count, { binary: true });
}
