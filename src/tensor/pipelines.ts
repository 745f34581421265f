/**
 * Compiles compute programs once a device. The bind group layout is stated, not derived from the
 * code, so that a variant which leaves a binding unused takes the same bindings.
 */

import type { TexelFormat } from "./texels.ts";

/** What a pipeline is made from. */
export interface PipelineSource {
  /** Names the code: equal keys must mean equal code. */
  readonly key: string;
  /** WGSL with an entry point `main`, or a function that generates it. */
  readonly code: string | (() => string);
  /** Values of the code's `override` constants. */
  readonly constants?: Readonly<Record<string, number>>;
}

/** How each binding is used, in the order of their numbers; a format is a texture that is read. */
export type BindingKind = "read" | TexelFormat | "write" | "write texels" | "uniform";

const LAYOUTS = {
  read: { buffer: { type: "read-only-storage" } },
  rgba32float: { storageTexture: { access: "read-only", format: "rgba32float" } },
  rgba16float: { storageTexture: { access: "read-only", format: "rgba16float" } },
  rgba8snorm: { storageTexture: { access: "read-only", format: "rgba8snorm" } },
  write: { buffer: { type: "storage" } },
  "write texels": { storageTexture: { access: "write-only", format: "rgba32float" } },
  uniform: { buffer: { type: "uniform" } },
} as const;

/** A compiled program. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const compiled = new WeakMap<GPUDevice, Map<string, Pipeline>>();

/** The pipeline of `source`, compiled at first use. Faults in the code surface in `checkFailed`. */
export function pipelineFor(
  device: GPUDevice,
  source: PipelineSource,
  kinds: readonly BindingKind[],
): Pipeline {
  let cache = compiled.get(device);
  if (!cache) compiled.set(device, cache = new Map());
  const { key, code, constants } = source;
  const id = `${key}|${kinds.join()}|${constants ? JSON.stringify(constants) : ""}`;
  let known = cache.get(id);
  if (known) return known;
  const layout = device.createBindGroupLayout({
    label: key,
    entries: kinds.map((kind, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      ...LAYOUTS[kind],
    })),
  });
  const module = device.createShaderModule({
    label: key,
    code: typeof code === "string" ? code : code(),
  });
  const pipeline = device.createComputePipeline({
    label: key,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: "main", constants: { ...constants } },
  });
  cache.set(id, known = { pipeline, layout });
  return known;
}
