/**
 * Which computation an operation takes: our fused WGSL programs where the webgpu backend is
 * current, or its reference in stock tfjs operations, which runs anywhere. The reference can be
 * asked for on webgpu too: it is the oracle of tests and the other side of benchmarks.
 */

import { tf } from "./tf.ts";

/** The two ways. */
export type Kernels = "fused" | "reference";

let wanted: Kernels = "fused";

/** Chooses for every operation from here on; "fused" holds only while webgpu is current. */
export function setKernels(kernels: Kernels): void {
  wanted = kernels;
}

/** Whether an operation is to run its WGSL program now. */
export function usesFused(): boolean {
  return wanted === "fused" && tf.getBackend() === "webgpu";
}
