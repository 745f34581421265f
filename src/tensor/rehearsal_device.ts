/**
 * A WebGPU device that computes nothing: it hands out buffers, textures and pipelines that are
 * names and sizes alone. What runs on it allocates exactly as on a device of the same limits, so
 * that memory can be told before any is taken. Reading results back is not possible.
 */

/** What programs ask of a device before they run. */
export interface DeviceProfile {
  readonly limits: Readonly<Record<string, number>>;
  readonly features: ReadonlySet<string>;
}

/** Limits of a common GPU, where none is at hand to ask. */
export const COMMON_PROFILE: DeviceProfile = {
  limits: {
    maxBufferSize: 2 ** 32,
    maxStorageBufferBindingSize: 2 ** 31,
    maxStorageBuffersPerShaderStage: 16,
    maxComputeWorkgroupStorageSize: 2 ** 15,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    maxComputeWorkgroupSizeY: 1024,
    maxComputeWorkgroupSizeZ: 64,
    maxComputeWorkgroupsPerDimension: 65535,
    maxTextureDimension2D: 16384,
    minStorageBufferOffsetAlignment: 256,
  },
  features: new Set(),
};

/** Makes such a device. */
export function rehearsalDevice({ limits, features }: DeviceProfile): GPUDevice {
  const nothing = () => {};
  const pass = {
    setPipeline: nothing,
    setBindGroup: nothing,
    dispatchWorkgroups: nothing,
    end: nothing,
  };
  const encoder = {
    beginComputePass: () => pass,
    clearBuffer: nothing,
    copyBufferToBuffer: nothing,
    copyBufferToTexture: nothing,
    finish: () => ({}),
  };
  const device = {
    limits,
    features,
    queue: { submit: nothing, writeBuffer: nothing },
    createBuffer: bufferOf,
    createTexture: textureOf,
    createShaderModule: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createBindGroup: () => ({}),
    createComputePipeline: () => ({ getBindGroupLayout: () => ({}) }),
    createCommandEncoder: () => encoder,
  };
  return device as unknown as GPUDevice;
}

function bufferOf({ size, usage, mappedAtCreation = false }: GPUBufferDescriptor): GPUBuffer {
  let mapState = mappedAtCreation ? "mapped" : "unmapped";
  return likeOf(GPUBuffer, {
    size: { value: size },
    usage: { value: usage },
    mapState: { get: () => mapState },
    getMappedRange: { value: () => new ArrayBuffer(size) },
    unmap: { value: () => mapState = "unmapped" },
    destroy: { value: () => {} },
  });
}

function textureOf({ size }: GPUTextureDescriptor): GPUTexture {
  const [width, height = 1] = size as number[];
  return likeOf(GPUTexture, {
    width: { value: width },
    height: { value: height },
    createView: { value: () => ({}) },
    destroy: { value: () => {} },
  });
}

/** An object that tfjs, which asks with instanceof, takes for one of the device's. */
function likeOf<T extends object>(kind: { prototype: T }, properties: PropertyDescriptorMap): T {
  return Object.create(kind.prototype, properties);
}
