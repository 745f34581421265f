/**
 * How a low-rank adapter is made: LoRA's numbers, with PEFT's names (camel-cased) and defaults, and
 * which modules of a model they are for. No tensors here.
 */

import type { Architecture } from "../architecture.ts";
import { withoutPrefix } from "../folder/checkpoint_names.ts";
import type { ModelConfig } from "../config.ts";
import { badPattern, noDefaultTargets, noSuchModules } from "./errors.ts";

/** LoRA's options as a user gives them; absent: PEFT's defaults. */
export interface LoraOptions {
  /** Rank of the branches. Default 8. */
  readonly r?: number;
  /** Scale of the branches: they are multiplied with alpha / r. Default 8. */
  readonly alpha?: number;
  /** Share of a branch's input that is dropped in training, in [0, 1). Default 0. */
  readonly dropout?: number;
  /** Modules by name or the end of it; "all-linear"; or a pattern of whole names. */
  readonly targetModules?: string | readonly string[];
  /** Multiplies with alpha / sqrt(r) instead (Kalajdzievski 2023). Default false. */
  readonly useRslora?: boolean;
}

/** LoRA's options, resolved, and what a PEFT adapter may say besides. */
export interface LoraSettings extends Required<LoraOptions> {
  /** Ranks of modules that have one of their own, by pattern. */
  readonly rankPattern: Readonly<Record<string, number>>;
  /** Alphas of modules that have one of their own, by pattern. */
  readonly alphaPattern: Readonly<Record<string, number>>;
}

/** A module that can have a branch. */
export interface LoraModule {
  /** As the checkpoint's weights name it, without ".weight": "model.layers.0.self_attn.q_proj". */
  readonly name: string;
  /** "head" gives logits; "embedding" is looked up. */
  readonly kind: "linear" | "embedding" | "head";
  /** The checkpoint's name of its weight; a tied head's is the embedding's. */
  readonly weight: string;
  /** [out, in] of a linear module and a head; [V, C] of an embedding. */
  readonly shape: readonly [number, number];
  /** Whether the weight is stored [in, out]. */
  readonly isTransposed: boolean;
}

/** The head's module; every causal language model of transformers calls it so. */
export const HEAD_MODULE = "lm_head";

const EMBEDDING = /(?:^|\.)(?:embed_tokens|wte)$/;
const POSITIONS = /(?:^|\.)(?:embed_positions|wpe)$/;

/** The model whose modules are asked for. */
export interface AdaptedModel {
  readonly config: ModelConfig;
  readonly architecture: Pick<Architecture, "parameterShapes" | "basePrefix" | "isTransposed">;
  /** The checkpoint's own names, where it may leave out the architecture's `basePrefix`. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
}

/** The modules of a model that can have a branch, by name. */
export function loraModules(
  { config, architecture, shapes }: AdaptedModel,
): Map<string, LoraModule> {
  const modules = new Map<string, LoraModule>();
  for (const [declared, shape] of architecture.parameterShapes(config)) {
    if (shape.length !== 2 || !declared.endsWith(".weight")) continue;
    const name = declared.slice(0, -".weight".length);
    if (POSITIONS.test(name)) continue;
    const kind = EMBEDDING.test(name) ? "embedding" : name === HEAD_MODULE ? "head" : "linear";
    const isTransposed = kind === "linear" && (architecture.isTransposed ?? false);
    const [rows, columns] = shape as [number, number];
    const isBare = shapes !== undefined && !shapes.has(declared);
    modules.set(name, {
      name,
      kind,
      weight: isBare ? withoutPrefix(declared, architecture.basePrefix ?? "") : declared,
      shape: isTransposed ? [columns, rows] : [rows, columns],
      isTransposed,
    });
  }
  const embedding = [...modules.values()].find(({ kind }) => kind === "embedding");
  if (embedding && !modules.has(HEAD_MODULE)) {
    modules.set(HEAD_MODULE, { ...embedding, name: HEAD_MODULE, kind: "head" });
  }
  return modules;
}

/** Fills in PEFT's defaults. */
export function resolveLora(options: LoraOptions, modelType: string): LoraSettings {
  return {
    r: options.r ?? 8,
    alpha: options.alpha ?? 8,
    dropout: options.dropout ?? 0,
    targetModules: options.targetModules ?? defaultTargets(modelType),
    useRslora: options.useRslora ?? false,
    rankPattern: {},
    alphaPattern: {},
  };
}

/**
 * The modules that `targetModules` names, as PEFT matches them: a name of the list is a module's
 * whole name or the end of it after a point; "all-linear" is every linear module but the head; any
 * other text is a pattern of whole names.
 *
 * @throws {OddsmithError} ModelError LORA_TARGETS where a name matches none; LORA_PATTERN.
 */
export function targetedModules(
  modules: ReadonlyMap<string, LoraModule>,
  targetModules: LoraSettings["targetModules"],
): LoraModule[] {
  const all = [...modules.values()];
  const chosen = matchingModules(all, targetModules);
  const targets = typeof targetModules === "string" ? [targetModules] : targetModules;
  const idle = targets.filter((target) =>
    typeof targetModules === "string"
      ? chosen.length === 0
      : !all.some(({ name }) => isNamed(name, target))
  );
  if (idle.length > 0 || chosen.length === 0) throw noSuchModules(idle, [...modules.keys()]);
  return chosen;
}

/**
 * What an adapter's file says as its target modules: the given ones where they match `chosen` and
 * no other module, and else the names. "all-linear" PEFT would take for a pattern there.
 */
export function writtenTargets(
  modules: ReadonlyMap<string, LoraModule>,
  chosen: readonly LoraModule[],
  given: LoraSettings["targetModules"],
): LoraSettings["targetModules"] {
  const matching = given === "all-linear" ? [] : matchingModules([...modules.values()], given);
  const isSame = matching.length === chosen.length &&
    matching.every((module) => chosen.includes(module));
  return isSame ? given : chosen.map(({ name }) => name);
}

function matchingModules(
  modules: readonly LoraModule[],
  targetModules: LoraSettings["targetModules"],
): LoraModule[] {
  if (targetModules === "all-linear") return modules.filter(({ kind }) => kind === "linear");
  if (typeof targetModules === "string") {
    const pattern = wholeName(targetModules);
    return modules.filter(({ name }) => pattern.test(name));
  }
  return modules.filter(({ name }) => targetModules.some((target) => isNamed(name, target)));
}

/** The rank and the scale of a module's branch. */
export function branchNumbers(
  settings: LoraSettings,
  module: string,
): { r: number; scale: number } {
  const r = ofPattern(settings.rankPattern, module) ?? settings.r;
  const alpha = ofPattern(settings.alphaPattern, module) ?? settings.alpha;
  return { r, scale: alpha / (settings.useRslora ? Math.sqrt(r) : r) };
}

function isNamed(module: string, target: string): boolean {
  return module === target || module.endsWith(`.${target}`);
}

function wholeName(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch (cause) {
    throw badPattern(pattern, cause);
  }
}

function ofPattern(numbers: Readonly<Record<string, number>>, module: string): number | undefined {
  const found = Object.keys(numbers).find((pattern) =>
    wholeName(`(?:.*\\.)?${pattern}`).test(module)
  );
  return found === undefined ? undefined : numbers[found];
}

/** What PEFT 0.21 adapts by default, where it is not q_proj and v_proj. */
const OWN_TARGETS: Readonly<Record<string, readonly string[]>> = {
  gpt2: ["c_attn"],
  phi: ["q_proj", "v_proj", "fc1", "fc2"],
};

/** Model types of which PEFT 0.21 adapts q_proj and v_proj by default. */
const QUERY_AND_VALUE: ReadonlySet<string> = new Set(
  ["llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "opt"],
);

function defaultTargets(modelType: string): readonly string[] {
  const targets = QUERY_AND_VALUE.has(modelType) ? ["q_proj", "v_proj"] : OWN_TARGETS[modelType];
  if (!targets) throw noDefaultTargets(modelType);
  return targets;
}
