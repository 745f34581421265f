/** Compares the tensors of an export, as they are read back, with those it was made of. */

import type { GgufOutDtype } from "../../weights/gguf_quantize.ts";
import { exportMismatch } from "./errors.ts";
import { compareRounded } from "./rounding.ts";

/** A tensor as it should be. */
export interface ExpectedTensor {
  readonly dtype: GgufOutDtype;
  readonly shape: readonly number[];
  values(): Float32Array | Promise<Float32Array>;
}

/** The tensors of a file, or of several. */
export interface ReadTensors {
  /** Where they lie, for messages. */
  readonly dir: string;
  readonly tensors: ReadonlyMap<
    string,
    { readonly dtype: string; readonly shape: readonly number[] }
  >;
  read(name: string): Promise<Float32Array>;
}

/** What all tensors together showed. */
export interface CompareResult {
  readonly tensors: number;
  /** The largest difference of a number. */
  readonly largestError: number;
}

/** Steps of an export: told after each tensor that was written or compared. */
export interface ExportWatch {
  readonly signal?: AbortSignal;
  /** @param what "writing" or "comparing". */
  onTensor?(what: "writing" | "comparing", name: string): void;
}

/**
 * Compares tensor after tensor; two are in memory at a time.
 *
 * @throws {OddsmithError} ExportError EXPORT_MISMATCH for the first tensor that is missing, spare, of
 * another type or shape, or further off than rounding explains.
 */
export async function compareTensors(
  expected: ReadonlyMap<string, ExpectedTensor>,
  received: ReadTensors,
  { signal, onTensor }: ExportWatch = {},
): Promise<CompareResult> {
  const { dir } = received;
  const spare = [...received.tensors.keys()].find((name) => !expected.has(name));
  if (spare !== undefined) throw exportMismatch(dir, spare, "was not to be there");
  let largestError = 0;
  for (const [name, { dtype, shape, values }] of expected) {
    signal?.throwIfAborted();
    const entry = received.tensors.get(name);
    if (!entry) throw exportMismatch(dir, name, "is missing");
    if (entry.dtype !== dtype || entry.shape.join() !== shape.join()) {
      const is = `is ${entry.dtype} [${entry.shape.join(", ")}]`;
      throw exportMismatch(dir, name, `${is}, not ${dtype} [${shape.join(", ")}]`);
    }
    const result = compareRounded(dtype, await values(), await received.read(name));
    if (result.wrong) {
      const { index, expected, received, bound } = result.wrong;
      const reason =
        `holds ${received} at ${index} for ${expected}; ${dtype} may be off by ${bound}`;
      throw exportMismatch(dir, name, reason);
    }
    largestError = Math.max(largestError, result.largestError);
    onTensor?.("comparing", name);
  }
  return { tensors: expected.size, largestError };
}

/** The same tensors, which tell when they are asked for, and stop when they are to. */
export function watched<T extends { values(): Float32Array | Promise<Float32Array> }>(
  tensors: ReadonlyMap<string, T>,
  { signal, onTensor }: ExportWatch,
): Map<string, T> {
  return new Map([...tensors].map(([name, tensor]) => [name, {
    ...tensor,
    values: () => {
      signal?.throwIfAborted();
      onTensor?.("writing", name);
      return tensor.values();
    },
  }]));
}
