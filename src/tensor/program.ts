/**
 * Runs a WGSL compute program on tensors, in tfjs's own command buffer, so that it orders with
 * tfjs's operations without a flush. Not differentiable: src/ops joins programs to the tape.
 *
 * Bindings are numbered, all in group 0: inputs, then inPlace, then outputs, then the uniforms.
 *
 *     @group(0) @binding(0) var<storage, read> x : array<f32>;
 *     @group(0) @binding(1) var<storage, read_write> y : array<f32>;
 *     @group(0) @binding(2) var<uniform> p : Params;        // 4-byte scalars only
 *     @compute @workgroup_size(64) fn main(...)
 *
 * Invariants: nothing is dispatched beyond a limit of the device (WebGPU would go on with zeros);
 * an in-place tensor is no input of the same program; outputs may hold garbage until written.
 */

import { dispatchExceeded, emptyBinding, limitExceeded, sharedBuffer } from "./errors.ts";
import { activeTimer } from "./kernel_timer.ts";
import { type BindingKind, pipelineFor, type PipelineSource } from "./pipelines.ts";
import { copyToTexture, type ScratchTexels, type TexelView } from "./texels.ts";
import { tf } from "./tf.ts";
import { type BackendInternals, submitPending, webgpuInternals } from "./webgpu_internals.ts";

/** A whole tensor, or `length` elements of it from `start` on. */
export type Binding = tf.Tensor | TensorRange;

/** A part of a tensor; `start` is a multiple of `rangeAlignment()` elements. */
export interface TensorRange {
  readonly tensor: tf.Tensor;
  readonly start: number;
  readonly length: number;
}

/** A tensor to be made. Its values are undefined until the program writes them. */
export interface OutputSpec {
  readonly shape: readonly number[];
  /** Default "float32". */
  readonly dtype?: "float32" | "int32";
}

/** One run of a program. */
export interface Program extends PipelineSource {
  /** Says what is computed, in errors and profiles: "attention". */
  readonly label: string;
  /** Read only, as buffers or, see texels.ts, as textures. A tensor may be given twice. */
  readonly inputs?: readonly (Binding | TexelView | ScratchTexels)[];
  /** Read and written, scratch texels written alone; a copy of the values read back earlier is dropped. Clones share them. */
  readonly inPlace?: readonly (Binding | ScratchTexels)[];
  /** New tensors, in the order they are returned. */
  readonly outputs?: readonly OutputSpec[];
  /** 32-bit words: whole numbers as u32; `floatBits(x)` for an f32. Absent: no uniform binding. */
  readonly uniforms?: readonly number[];
  /** Workgroups in x, y, z; a number is folded by `foldWorkgroups`. */
  readonly workgroups: number | readonly [number, number, number];
  /** The option to lower where a limit is exceeded. Default "microBatchSize or maxLength". */
  readonly option?: string;
}

/** tfjs submits when this many dispatches wait; so do we. */
const BATCH_FLAG = "WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE";
const UNIFORM_ALIGNMENT = 16;

/**
 * Encodes one dispatch and gives the new tensors, owned by the enclosing tidy as any result is.
 *
 * @throws {OddsmithError} DeviceError NO_DEVICE off webgpu; LIMIT_EXCEEDED with asked and allowed
 * where a binding, a buffer or the dispatch outgrows the device; EMPTY_BINDING; SHARED_BUFFER.
 */
export function runProgram(program: Program): tf.Tensor[] {
  const backend = webgpuInternals();
  const { label, inputs = [], inPlace = [], outputs = [], uniforms } = program;
  const workgroups = checkWorkgroups(backend, program);
  for (const output of outputs) checkAllocation(backend, label, output.shape, program.option);
  const created = outputs.map(({ shape, dtype = "float32" }) =>
    tf.engine().makeTensorFromTensorInfo(backend.makeTensorInfo([...shape], dtype))
  );
  const written = [...inPlace, ...created];
  const bindings = [...inputs, ...written];
  try {
    const entries = bindings.map((binding, i): Resource => {
      if ("scratch" in binding) return binding.scratch;
      if ("texels" in binding) return copyToTexture(backend, binding, i, label);
      return resourceOf(backend, program, binding, i);
    });
    checkSeparate(label, entries, inputs.length);
    const kinds: BindingKind[] = [
      ...inputs.map(readKind),
      ...written.map((one) => "scratch" in one ? "write texels" : "write"),
    ];
    if (uniforms) {
      kinds.push("uniform");
      entries.push({ buffer: uniformBuffer(backend, uniforms) });
    }
    encode(backend, program, kinds, entries, workgroups);
  } catch (error) {
    tf.dispose(created);
    throw error;
  }
  for (const { dataId } of tensorsOf(bindings)) backend.commandQueueOwnedIds.add(dataId);
  for (const { dataId } of tensorsOf(inPlace)) backend.tensorMap.get(dataId).values = null;
  activeTimer()?.end(backend);
  if (++backend.dispatchCountInPass >= tf.env().getNumber(BATCH_FLAG)) submitPending(backend);
  return created;
}

/**
 * Makes a tensor whose values are undefined, for programs to write in place. It may outgrow a
 * binding (not a buffer): bind it by ranges then; tfjs's own operations will refuse it.
 *
 * @throws {OddsmithError} DeviceError LIMIT_EXCEEDED.
 */
export function allocate(
  shape: readonly number[],
  dtype: "float32" | "int32" = "float32",
  what = "a tensor",
): tf.Tensor {
  const backend = webgpuInternals();
  checkAllocation(backend, what, shape);
  const info = backend.makeTensorInfo([...shape], dtype);
  backend.uploadToGPU(info.dataId);
  return tf.engine().makeTensorFromTensorInfo(info);
}

/** The bits of an f32, as a uniform word. */
export function floatBits(value: number): number {
  words.setFloat32(0, value);
  return words.getUint32(0);
}

/**
 * Spreads `count` workgroups over x and y where x alone has no room. The program finds its number
 * as `group.x + group.y * groups.x` (workgroup_id, num_workgroups) and leaves where that is at or
 * over the count.
 */
export function foldWorkgroups(count: number, allowed: number): [number, number, number] {
  if (count <= allowed) return [count, 1, 1];
  const rows = Math.ceil(count / allowed);
  return [Math.ceil(count / rows), rows, 1];
}

/** What the start of a `TensorRange` must be a multiple of, in elements of 4 bytes. */
export function rangeAlignment(): number {
  return webgpuInternals().device.limits.minStorageBufferOffsetAlignment / 4;
}

const words = new DataView(new ArrayBuffer(4));

function readKind(input: Binding | TexelView | ScratchTexels): BindingKind {
  if ("scratch" in input) return "rgba32float";
  return "texels" in input ? input.format ?? "rgba32float" : "read";
}

function tensorsOf(bindings: readonly (Binding | TexelView | ScratchTexels)[]): tf.Tensor[] {
  return bindings.flatMap((binding) => {
    if ("scratch" in binding) return [];
    if ("texels" in binding) return [binding.texels];
    return ["tensor" in binding ? binding.tensor : binding];
  });
}

function resourceOf(
  backend: BackendInternals,
  { label, option = "microBatchSize or maxLength" }: Program,
  binding: Binding,
  index: number,
): GPUBufferBinding {
  const { tensor, start, length } = "tensor" in binding
    ? binding
    : { tensor: binding, start: 0, length: binding.size };
  if (length === 0) throw emptyBinding(label, index, tensor.shape);
  const askedBytes = 4 * length;
  const allowedBytes = backend.device.limits.maxStorageBufferBindingSize;
  if (askedBytes > allowedBytes) {
    const shape = length === tensor.size ? tensor.shape : [length];
    throw limitExceeded({ what: label, shape, askedBytes, allowedBytes, option });
  }
  backend.uploadToGPU(tensor.dataId);
  const buffer = backend.tensorMap.get(tensor.dataId).resource!;
  return { buffer, offset: 4 * start, size: askedBytes };
}

type Resource = GPUBufferBinding | GPUTextureView;

/** WebGPU forbids a buffer that is read-only and written in one dispatch, whatever the ranges. */
function checkSeparate(label: string, entries: readonly Resource[], reads: number): void {
  const bufferOf = (entry: Resource) => "buffer" in entry ? entry.buffer : entry;
  const read = new Set(entries.slice(0, reads).map(bufferOf));
  const clash = entries.findIndex((entry, i) => i >= reads && read.has(bufferOf(entry)));
  if (clash >= 0) throw sharedBuffer(label, clash);
}

function uniformBuffer(backend: BackendInternals, uniforms: readonly number[]): GPUBuffer {
  const size = Math.ceil(4 * Math.max(1, uniforms.length) / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT;
  const data = new Uint32Array(size / 4);
  data.set(uniforms);
  const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.UNIFORM;
  const buffer = backend.bufferManager.acquireBuffer(size, usage);
  backend.queue.writeBuffer(buffer, 0, data);
  backend.uniformPendingDisposal.push(buffer);
  return buffer;
}

function encode(
  backend: BackendInternals,
  program: Program,
  kinds: readonly BindingKind[],
  resources: readonly Resource[],
  workgroups: readonly [number, number, number],
): void {
  const { pipeline, layout } = pipelineFor(backend.device, program, kinds);
  const bindGroup = backend.device.createBindGroup({
    layout,
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
  activeTimer()?.begin(backend, program.label);
  backend.ensureCommandEncoderReady();
  const pass = backend.computePassEncoder ??= backend.commandEncoder!.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(...workgroups);
}

function checkWorkgroups(
  backend: BackendInternals,
  { label, workgroups, option = "microBatchSize or maxLength" }: Program,
): readonly [number, number, number] {
  const allowed = backend.device.limits.maxComputeWorkgroupsPerDimension;
  const counts = typeof workgroups === "number" ? foldWorkgroups(workgroups, allowed) : workgroups;
  if (counts.some((count) => count > allowed)) {
    throw dispatchExceeded(label, counts, allowed, option);
  }
  return counts;
}

function checkAllocation(
  backend: BackendInternals,
  what: string,
  shape: readonly number[],
  option = "microBatchSize or maxLength",
): void {
  const askedBytes = 4 * tf.util.sizeFromShape([...shape]);
  const allowedBytes = backend.device.limits.maxBufferSize;
  if (askedBytes > allowedBytes) {
    throw limitExceeded({ what, shape, askedBytes, allowedBytes, option });
  }
}
