/** The errors of weight files. */

import { fileErrors, type OddsmithError } from "../base/error.ts";
import { nearestName } from "../base/nearest.ts";

const LISTED = 5;

const weightsError = fileErrors("WeightsError");

/** A model folder without weights that can be read here. */
export function noWeights(dir: string): OddsmithError {
  return weightsError(
    "NO_WEIGHTS",
    "Cannot read the weights: the folder holds neither model.safetensors nor its index",
    "pickled weights (.bin) are not read: save the model with safe_serialization=True",
    dir,
  );
}

/** An index that names a file which is not there. */
export function missingShard(indexFile: string, shard: string): OddsmithError {
  return weightsError(
    "MISSING_SHARD",
    `Cannot read the weights: the index names "${shard}", which is not there`,
    "copy or download every *.safetensors file of the checkpoint",
    indexFile,
  );
}

/** An index file that makes no sense. */
export function badIndex(indexFile: string, reason: string): OddsmithError {
  return weightsError(
    "BAD_INDEX",
    `Cannot read the weights' index: ${reason}`,
    "download the checkpoint again",
    indexFile,
  );
}

/** A file that ends before its header says. */
export function truncated(file: string, expectedBytes: number, actualBytes: number): OddsmithError {
  return weightsError(
    "TRUNCATED",
    `Cannot read the weights: the file should have ${expectedBytes} bytes, it has ${actualBytes}`,
    "copy or download the file again",
    file,
  );
}

/** A header that is not what the format says. */
export function badHeader(file: string, reason: string): OddsmithError {
  return weightsError(
    "BAD_HEADER",
    `Cannot read the weights: ${reason}`,
    "the file is damaged or is no safetensors file",
    file,
  );
}

/** Numbers that training cannot start from. */
export function unsupportedDtype(file: string, tensor: string, dtype: string): OddsmithError {
  return weightsError(
    "UNSUPPORTED_DTYPE",
    `Cannot read tensor "${tensor}": its numbers are ${dtype}, only F32, F16 and BF16 are read`,
    "convert the checkpoint to float32, float16 or bfloat16",
    file,
  );
}

/** A GGUF file that is not there. */
export function noGguf(file: string, cause?: unknown): OddsmithError {
  return weightsError(
    "NO_WEIGHTS",
    "Cannot read the weights: there is no such file",
    "give the path of a GGUF file",
    file,
    cause,
  );
}

/** A GGUF header that is not what the format says. */
export function badGguf(file: string, reason: string): OddsmithError {
  return weightsError(
    "BAD_HEADER",
    `Cannot read the weights: ${reason}`,
    "the file is damaged or is no GGUF file: copy or download it again",
    file,
  );
}

/** A GGUF file of a kind that is not read. */
export function unsupportedGguf(file: string, reason: string, hint: string): OddsmithError {
  return weightsError("UNSUPPORTED_GGUF", `Cannot read the weights: ${reason}`, hint, file);
}

/** Metadata that a GGUF file lacks. */
export function missingGgufKey(file: string, key: string): OddsmithError {
  return weightsError(
    "MISSING_KEY",
    `Cannot read the model: the file's metadata has no "${key}"`,
    "convert the model anew with a current llama.cpp",
    file,
  );
}

/** Metadata of the wrong type, or outside its range. */
export function badGgufValue(
  file: string,
  key: string,
  expected: string,
  received: unknown,
): OddsmithError {
  return weightsError(
    "BAD_VALUE",
    `Cannot read the model: "${key}" should be ${expected}, it is ` +
      (typeof received === "string" ? `"${received.slice(0, 100)}"` : String(received)),
    "convert the model anew with a current llama.cpp",
    file,
  );
}

/** A GGUF tensor of numbers that are not read. */
export function unreadGgufType(file: string, tensor: string, dtype: string): OddsmithError {
  return weightsError(
    "UNSUPPORTED_DTYPE",
    `Cannot read tensor "${tensor}": its numbers are ${dtype}`,
    "take the model as F32, F16, BF16, Q8_0, Q4_0 to Q5_1 or Q2_K to Q6_K",
    file,
  );
}

/** A number that the type it is to be written as cannot hold. */
export function outOfRange(
  file: string,
  tensor: string,
  dtype: string,
  value: number,
): OddsmithError {
  return weightsError(
    "OUT_OF_RANGE",
    `Cannot write tensor "${tensor}" as ${dtype}: it holds ${value}`,
    Number.isFinite(value)
      ? "write BF16 or F32, which hold larger numbers"
      : "the weights are damaged or training diverged: take an earlier checkpoint",
    file,
  );
}

/** Tensors that the architecture needs and the checkpoint lacks; `spare` are those nobody needs. */
export function missingTensors(
  dir: string,
  missing: readonly string[],
  spare: readonly string[],
): OddsmithError {
  const shown = missing.slice(0, LISTED).map((name) => `"${name}"`).join(", ");
  const more = missing.length > LISTED ? ` and ${missing.length - LISTED} more` : "";
  const nearest = nearestName(missing[0]!, spare);
  return weightsError(
    "MISSING_TENSOR",
    `Cannot load the model: the checkpoint lacks ${shown}${more}`,
    nearest === undefined
      ? "check that config.json and the weights are of the same model"
      : `it has "${nearest}" instead; check that config.json and the weights match`,
    dir,
  );
}

/** A tensor of another shape than config.json asks for. */
export function wrongShape(
  dir: string,
  tensor: string,
  expected: readonly number[],
  received: readonly number[],
): OddsmithError {
  return weightsError(
    "WRONG_SHAPE",
    `Cannot load tensor "${tensor}": config.json asks for [${expected.join(", ")}], the ` +
      `checkpoint has [${received.join(", ")}]`,
    "check that config.json and the weights are of the same model",
    dir,
  );
}
