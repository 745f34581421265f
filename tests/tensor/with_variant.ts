/** Makes every fused matrix product take one way while a test runs. */

import { forceVariant, type MatMulVariant } from "../../src/tensor/matmul_variants.ts";

/** Runs `fn` with `variant` for every product. */
export async function withVariant<T>(variant: MatMulVariant, fn: () => Promise<T>): Promise<T> {
  forceVariant(variant);
  try {
    return await fn();
  } finally {
    forceVariant(undefined);
  }
}
