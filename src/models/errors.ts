/** The errors of model folders and architectures. */

import { type ErrorLocation, OddsmithError } from "../base/error.ts";
import { nearestName } from "../base/nearest.ts";

const modelError = (
  code: string,
  message: string,
  hint: string,
  location?: ErrorLocation,
  cause?: unknown,
): OddsmithError => new OddsmithError("ModelError", code, message, { hint, location, cause });

/** A model folder that is not there or has no config.json. */
export function noModel(dir: string, cause?: unknown): OddsmithError {
  return modelError(
    "NO_MODEL",
    "Cannot load the model: the folder has no config.json",
    "give the folder of a Hugging Face model: config.json, *.safetensors, tokenizer.json",
    { file: dir },
    cause,
  );
}

/** A repository of the hub that holds no model that can be read here. */
export function noModelInRepository(
  repository: string,
  missing: string,
  present: readonly string[],
): OddsmithError {
  const others = present.filter((name) => /\.(bin|gguf|onnx|pt|pth|h5|msgpack)$/.test(name));
  const has = others.length === 0 ? "" : `; it has ${others.slice(0, 3).join(", ")}`;
  const gguf = others.find((name) => name.endsWith(".gguf"));
  const address = `hf://${repository.replace(/^hf:\/\//, "")}/${gguf}`;
  return modelError(
    "NO_MODEL",
    `Cannot use "${repository}": the repository has no ${missing}${has}`,
    "take a repository with config.json and safetensors weights" +
      (gguf === undefined ? "" : `, or one of its GGUF files: ${address}`),
  );
}

/** A JSON file of the model folder that does not parse. */
export function badJson(file: string, cause: unknown): OddsmithError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return modelError("BAD_JSON", `Cannot read the model: ${reason}`, "download the file again", {
    file,
  }, cause);
}

/** A field config.json must have. */
export function missingField(file: string, field: string): OddsmithError {
  return modelError(
    "MISSING_FIELD",
    `Cannot read the model's configuration: "${field}" is missing`,
    "take config.json from the checkpoint's own folder",
    { file },
  );
}

/** A field of the wrong type, or outside its range. */
export function badField(
  file: string,
  field: string,
  expected: string,
  received: unknown,
): OddsmithError {
  return modelError(
    "BAD_FIELD",
    `Cannot read the model's configuration: "${field}" should be ${expected}, it is ` +
      // JSON has no word for what 1e999 is read as.
      (typeof received === "number" ? String(received) : JSON.stringify(received)),
    "take config.json from the checkpoint's own folder",
    { file },
  );
}

/** A field whose value asks for something that is not built. */
export function unsupportedField(
  file: string,
  field: string,
  received: unknown,
  supported: string,
): OddsmithError {
  return modelError(
    "UNSUPPORTED",
    `Cannot load the model: "${field}" is ${JSON.stringify(received)}, supported: ${supported}`,
    "use a checkpoint without it",
    { file },
  );
}

/** An architecture that is not built. */
export function unknownModelType(
  file: string,
  modelType: string,
  known: readonly { name: string; summary: string }[],
): OddsmithError {
  const names = known.map(({ name }) => name);
  const nearest = nearestName(modelType, names);
  const differences = known.map(({ name, summary }) => `${name}: ${summary}`).join("; ");
  return modelError(
    "UNKNOWN_MODEL_TYPE",
    `Cannot load the model: no architecture "${modelType}"; there is: ${names.join(", ")}`,
    (nearest === undefined
      ? "use a checkpoint of one of these, or add the architecture (CONTRIBUTING.md says how)"
      : `did you mean "${nearest}"?`) + ` What they are: ${differences}`,
    { file },
  );
}

/** An architecture of llama.cpp's that GGUF files are not read for. */
export function unknownGgufArchitecture(
  file: string,
  name: string,
  known: readonly string[],
): OddsmithError {
  return modelError(
    "UNKNOWN_MODEL_TYPE",
    `Cannot load the model: no architecture "${name}" is read from GGUF; there is: ` +
      known.join(", "),
    "use a checkpoint of one of these",
    { file },
  );
}

/** A GGUF file whose model has what is not built. */
export function unsupportedGgufModel(file: string, reason: string): OddsmithError {
  return modelError(
    "UNSUPPORTED",
    `Cannot load the model: ${reason}`,
    "use another checkpoint, or the model's Hugging Face folder",
    { file },
  );
}

/** A model that GGUF, or llama.cpp, has no way to hold. */
export function notInGgufModel(file: string, reason: string): OddsmithError {
  return modelError(
    "NOT_IN_GGUF",
    `Cannot write the model as GGUF: ${reason}`,
    "export a Hugging Face folder in its place",
    { file },
  );
}

/** Token ids that a model's vocabulary does not hold. */
export function tokenOutOfRange(id: number, vocabSize: number): OddsmithError {
  return modelError(
    "TOKEN_RANGE",
    `Cannot run the model: token ${id} is outside its vocabulary of ${vocabSize}`,
    "the tokenizer is of another model: check tokenizer.json against config.json's vocab_size",
  );
}

/** A prompt that leaves no room to generate. */
export function promptTooLong(length: number, maxLength: number): OddsmithError {
  return modelError(
    "PROMPT_TOO_LONG",
    `Cannot generate: a prompt has ${length} tokens, the model takes ${maxLength}`,
    "shorten the prompt",
  );
}

/** A prompt of no tokens at all. */
export function emptyPrompt(): OddsmithError {
  return modelError(
    "EMPTY_PROMPT",
    "Cannot generate: a prompt has no tokens",
    "begin it with the model's BOS token",
  );
}

/** Logits that no token can be chosen from. */
export function nonFiniteLogits(): OddsmithError {
  return modelError(
    "NON_FINITE",
    "Cannot generate: the model's logits are not finite",
    "its weights are damaged or its training diverged: take an earlier checkpoint",
  );
}
