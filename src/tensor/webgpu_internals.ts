/**
 * What this project uses of the private parts of tfjs's WebGPU backend (4.22, pinned): the place
 * where its command buffer, buffer pool and tensor table are touched from outside.
 *
 * Invariant: whoever encodes through this leaves the backend as `runWebGPUProgram` would, so that
 * our programs and tfjs's may follow each other in any order.
 */

import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { noDevice } from "./errors.ts";
import { tf } from "./tf.ts";

/** A tensor as the backend keeps it. */
export interface TensorData {
  dtype: tf.DataType;
  shape: number[];
  /** A copy on the CPU: the only one before upload, a cache after a readback. */
  values: unknown;
  resource?: GPUBuffer;
}

/** tfjs's pool of buffers, by size and usage: "4096_140". */
export interface BufferPool {
  freeBuffers: Map<string, GPUBuffer[]>;
  usedBuffers: Map<string, GPUBuffer[]>;
  numFreeBuffers: number;
  numBytesUsed: number;
  /** Those in use and those kept. */
  numBytesAllocated: number;
  acquireBuffer(
    size: number,
    usage: GPUBufferUsageFlags,
    mappedAtCreation?: boolean,
    reuse?: boolean,
  ): GPUBuffer;
}

/** tfjs's backend with its private members. */
export interface BackendInternals {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  readonly tensorMap: { get(dataId: tf.DataId): TensorData };
  readonly bufferManager: WebGPUBackend["bufferManager"];
  /** Tensors that commands not yet submitted use: their buffers are freed after the submit. */
  commandQueueOwnedIds: WeakSet<tf.DataId>;
  /** Uniform buffers to give back to the pool after the submit. */
  uniformPendingDisposal: GPUBuffer[];
  dispatchCountInPass: number;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  makeTensorInfo(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  uploadToGPU(dataId: tf.DataId): void;
}

/**
 * The current WebGPU backend.
 *
 * @throws {OddsmithError} DeviceError NO_DEVICE where another backend is current.
 */
export function webgpuInternals(): BackendInternals {
  if (tf.getBackend() !== "webgpu") throw noDevice();
  return tf.backend() as unknown as BackendInternals;
}

/** Hands everything encoded so far to the GPU. */
export function submitPending(backend: BackendInternals): void {
  if (!backend.commandEncoder) return;
  backend.endComputePassEncoder();
  backend.submitQueue();
}
