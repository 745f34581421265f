/**
 * Hears what WebGPU reports beside the calls that caused it: allocations that fail, a device that
 * goes away, and every other error. The calls themselves go on with zeros, or throw something that
 * does not say why.
 *
 * Invariant: what was computed after the first report is not to be used; the first one is kept.
 */

import { OddsmithError } from "../base/error.ts";
import { type DeviceFigures, deviceLost, outOfMemory, uncapturedError } from "./errors.ts";
import { TEXEL_BYTES, type TexelFormat } from "./texels.ts";

/** How long a device that failed is given to say that it is lost. */
const LAST_WORDS_MS = 250;

/** What becomes of a device. */
export interface DeviceWatch {
  /** Throws what was reported, if anything. */
  checkFailed(): void;
  /** The device's report where it explains `error`, else `error`. */
  explain(error: unknown): Promise<unknown>;
  /** Waits for work of the device; rejects when the device is lost, whatever the work does then. */
  whileThere<T>(work: Promise<T>): Promise<T>;
}

/** Of a backend that throws whatever goes wrong, and cannot be lost. */
export const UNWATCHED: DeviceWatch = {
  checkFailed: () => {},
  explain: (error) => Promise.resolve(error),
  whileThere: (work) => work,
};

/** @param heldBytes Bytes the process holds on the device now. */
export function watchDevice(device: GPUDevice, heldBytes: () => number): DeviceWatch {
  const reports = new Reports(device, heldBytes);
  watchAllocations(device, reports);
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    const { error } = event as GPUUncapturedErrorEvent;
    const message = error.message.split("\n").join(" ");
    if (error instanceof GPUOutOfMemoryError) reports.outOfMemory(message);
    else reports.messages.push(message);
  });
  const waiting = new Set<(error: OddsmithError) => void>();
  const gone = device.lost.then((info) => {
    reports.lost = info;
    for (const reject of waiting) reject(reports.failure()!);
  });
  return {
    checkFailed(): void {
      const failure = reports.failure();
      if (failure) throw failure;
    },
    async explain(error: unknown): Promise<unknown> {
      if (error instanceof OddsmithError && error.kind !== "DeviceError") return error;
      if (!reports.failure()) await atMost(LAST_WORDS_MS, gone);
      return reports.failure() ?? error;
    },
    async whileThere<T>(work: Promise<T>): Promise<T> {
      const { promise, reject } = Promise.withResolvers<never>();
      waiting.add(reject);
      try {
        return await Promise.race([work, promise]);
      } finally {
        waiting.delete(reject);
      }
    },
  };
}

class Reports {
  readonly messages: string[] = [];
  lost: GPUDeviceLostInfo | undefined;
  #memory: OddsmithError | undefined;

  constructor(readonly device: GPUDevice, readonly heldBytes: () => number) {}

  /** @param asked What for, where that is known, and what was held before. */
  outOfMemory(message: string, asked?: { bytes: number; heldBytes: number }): void {
    const figures = this.#figures();
    const heldBytes = asked?.heldBytes ?? figures.heldBytes;
    this.#memory ??= outOfMemory(message, asked?.bytes, { ...figures, heldBytes });
  }

  /** The error to end with; what follows from an allocation that failed comes after it. */
  failure(): OddsmithError | undefined {
    if (this.#memory) return this.#memory;
    if (this.lost) return deviceLost(this.lost.reason, this.lost.message, this.#figures());
    if (this.messages.length > 0) return uncapturedError(this.messages, this.#figures());
    return undefined;
  }

  #figures(): DeviceFigures {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    return {
      heldBytes: this.heldBytes(),
      maxBufferBytes: maxBufferSize,
      maxBindingBytes: maxStorageBufferBindingSize,
    };
  }
}

/**
 * Asks after each buffer and texture whether there was memory for it. The answer comes a turn
 * later; until then all goes on with one that every use of complains about.
 */
function watchAllocations(device: GPUDevice, reports: Reports): void {
  const watched =
    <D, R>(create: (descriptor: D) => R, bytesOf: (descriptor: D) => number) =>
    (descriptor: D): R => {
      const asked = { bytes: bytesOf(descriptor), heldBytes: reports.heldBytes() };
      device.pushErrorScope("out-of-memory");
      try {
        return create(descriptor);
      } finally {
        device.popErrorScope().then(
          (error) => error && reports.outOfMemory(error.message, asked),
          () => {}, // A lost device has no scopes; that it is lost is heard elsewhere.
        );
      }
    };
  device.createBuffer = watched(device.createBuffer.bind(device), ({ size }) => size);
  device.createTexture = watched(device.createTexture.bind(device), ({ size, format }) => {
    const [width = 1, height = 1] = Symbol.iterator in size ? size : [size.width, size.height];
    return width * height * (TEXEL_BYTES[format as TexelFormat] ?? 0);
  });
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
