/**
 * Writes a model folder as a GGUF file and reads it again.
 *
 * Invariant: what it returns has been read back and compared with the model: metadata, and every
 * tensor within what its type rounds away.
 */

import { openGguf } from "../../weights/gguf.ts";
import type { GgufOutDtype } from "../../weights/gguf_quantize.ts";
import type { GgufField, GgufMetadata } from "../../weights/gguf_types.ts";
import { writeGguf } from "../../weights/write_gguf.ts";
import { planGguf } from "../gguf/export_gguf.ts";
import { openGgufModel } from "../gguf/import_gguf.ts";
import { type CompareResult, compareTensors, type ExportWatch, watched } from "./compare.ts";
import { exportFileMismatch } from "./errors.ts";

/**
 * Writes `file` from a model folder.
 *
 * @throws {OddsmithError} As `exportGguf`; ExportError EXPORT_MISMATCH.
 */
export async function exportGgufFile(
  modelDir: string,
  file: string,
  { dtype, name }: { readonly dtype: GgufOutDtype; readonly name: string },
  watch: ExportWatch = {},
): Promise<CompareResult> {
  const { metadata, tensors } = await planGguf(modelDir, { dtype, name });
  await writeGguf(file, metadata, watched(tensors, watch));
  const read = await openGguf(file);
  compareMetadata(file, metadata, read.metadata);
  // Whether it is a whole model to a reader that knows nothing of the folder.
  await openGgufModel(file);
  return await compareTensors(tensors, read, watch);
}

function compareMetadata(file: string, expected: GgufMetadata, received: GgufMetadata): void {
  const keys = new Set([...expected.keys(), ...received.keys()]);
  for (const key of keys) {
    if (fieldText(expected.get(key)) !== fieldText(received.get(key))) {
      throw exportFileMismatch(file, `"${key}" of its metadata reads otherwise`);
    }
  }
}

/** A field's type and value as text; a float32 as what the file can hold of it. */
function fieldText(field: GgufField | undefined): string {
  if (!field) return "";
  const type = field.type === "array" ? field.elementType : field.type;
  const plain = field.type === "array"
    ? Array.from(field.value as ArrayLike<unknown>)
    : field.value;
  return JSON.stringify([field.type, type, plain], (_, value) => {
    if (typeof value === "bigint") return String(value);
    return type === "float32" && typeof value === "number" ? Math.fround(value) : value;
  });
}
