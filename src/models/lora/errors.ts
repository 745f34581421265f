/** The errors of LoRA adapters: their options, and the folders they are read from. */

import { fileErrors, type OddsmithError } from "../../base/error.ts";
import { nearestName } from "../../base/nearest.ts";

const loraError = fileErrors("ModelError");

/** Target modules that the model does not have. */
export function noSuchModules(
  targets: readonly string[],
  modules: readonly string[],
): OddsmithError {
  const known = [...new Set(modules.map((name) => name.slice(name.lastIndexOf(".") + 1)))];
  const nearest = targets.map((target) => nearestName(target, [...known, ...modules]))
    .find((name) => name !== undefined);
  const named = targets.length > 0
    ? targets.map((name) => `"${name}"`).join(", ")
    : "an empty list";
  return loraError(
    "LORA_TARGETS",
    `Cannot adapt the model: no module matches ${named} of targetModules; there is: ` +
      known.join(", "),
    nearest === undefined
      ? 'name modules, the ends of their names, or "all-linear"'
      : `did you mean "${nearest}"?`,
  );
}

/** A pattern that is none. */
export function badPattern(pattern: string, cause: unknown): OddsmithError {
  return loraError(
    "LORA_PATTERN",
    `Cannot adapt the model: "${pattern}" is no regular expression: ${reasonOf(cause)}`,
    "give a list of module names instead",
    undefined,
    cause,
  );
}

/** A kind of model for which there are no default targets. */
export function noDefaultTargets(modelType: string): OddsmithError {
  return loraError(
    "LORA_TARGETS",
    `Cannot adapt the model: there are no default targetModules for "${modelType}"`,
    'name modules, or set targetModules to "all-linear"',
  );
}

/** A branch at a weight that the architecture uses in a way of its own. */
export function notAdaptable(module: string): OddsmithError {
  return loraError(
    "LORA_TARGETS",
    `Cannot adapt the model: "${module}" is not a module that can have a branch here`,
    "leave it out of targetModules",
  );
}

/** A folder that is no PEFT adapter. */
export function noAdapter(dir: string, missing: string, cause?: unknown): OddsmithError {
  return loraError(
    "ADAPTER_MISSING",
    `Cannot load the adapter: the folder has no ${missing}`,
    "give the folder that PEFT's save_pretrained wrote: adapter_config.json and " +
      "adapter_model.safetensors",
    dir,
    cause,
  );
}

/** A repository of the hub that is no PEFT adapter. */
export function noAdapterInRepository(repository: string, missing: string): OddsmithError {
  return loraError(
    "ADAPTER_MISSING",
    `Cannot use "${repository}" as an adapter: the repository has no ${missing}`,
    "take one with adapter_config.json and adapter_model.safetensors",
  );
}

/** A field of adapter_config.json that is missing or wrong. */
export function badAdapterField(file: string, field: string, fault: string): OddsmithError {
  return loraError(
    "ADAPTER_CONFIG",
    `Cannot load the adapter: "${field}" of its configuration: ${fault}`,
    "take adapter_config.json from the adapter's own folder",
    file,
  );
}

/** An adapter that does more than LoRA. */
export function unsupportedAdapter(file: string, field: string, received: unknown): OddsmithError {
  return loraError(
    "ADAPTER_UNSUPPORTED",
    `Cannot load the adapter: its "${field}" is ${JSON.stringify(received)}`,
    "merge it into its base with PEFT's merge_and_unload, and load the model that gives",
    file,
  );
}

/** A tensor that no module of the base has room for. */
export function foreignTensor(
  file: string,
  name: string,
  { base, modules }: { readonly base: string; readonly modules: readonly string[] },
): OddsmithError {
  const module = name.replace(/^base_model\.model\./, "").replace(/\.(lora_|base_layer).*$/, "");
  const nearest = nearestName(module, modules);
  return loraError(
    "ADAPTER_MISMATCH",
    `Cannot load the adapter: its tensor "${name}" belongs to no module of the base model "${base}"` +
      (nearest === undefined ? "" : `; the nearest is "${nearest}"`),
    "the adapter is of another base model: see base_model_name_or_path in adapter_config.json",
    file,
  );
}

/** One half of a branch without the other, or no branch at all. */
export function missingTensor(file: string, name: string): OddsmithError {
  return loraError(
    "ADAPTER_MISMATCH",
    `Cannot load the adapter: it has no tensor "${name}"`,
    "download the adapter again: the file is not whole",
    file,
  );
}

/** A tensor whose shape is not that of the base, or of the rank. */
export function adapterShape(
  file: string,
  name: string,
  { base, received, expected }: {
    readonly base: string;
    readonly received: readonly number[];
    readonly expected: readonly number[];
  },
): OddsmithError {
  return loraError(
    "ADAPTER_MISMATCH",
    `Cannot load the adapter: "${name}" has shape [${received.join(", ")}], expected ` +
      `[${expected.join(", ")}] by the base model "${base}" and the adapter's rank`,
    "the adapter is of another base model, or its adapter_config.json of another adapter",
    file,
  );
}

/** A copy of a base weight that differs from the base. */
export function baseDiffers(file: string, name: string, base: string): OddsmithError {
  return loraError(
    "ADAPTER_MISMATCH",
    `Cannot load the adapter: it holds "${name}", which differs from the base model's in "${base}"`,
    "the adapter is of another base model, or trained its embedding whole: merge it with PEFT",
    file,
  );
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
