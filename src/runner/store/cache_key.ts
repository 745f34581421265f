/**
 * What a stage's result depends on, as a value: hashed it is the cache key, compared with an
 * earlier one it says why a stage must run again.
 *
 * Invariant: two stages with equal parts may share a result; whatever can change a result is in
 * the parts.
 */

import { sha256 } from "../../base/hash.ts";
import { canonicalJson, type Json, type JsonObject } from "../../base/json.ts";
import { API_VERSION } from "../contract.ts";
import type { ResolvedPipeline, ResolvedStage } from "../resolved.ts";

/** The parts of a cache key. */
export type KeyParts = {
  /** The contract's version. */
  contract: number;
  /** The stage's name. */
  stage: string;
  /** The stage's version. */
  version: string;
  /** The npm: or jsr: specifier the stage came from, null for other stages. */
  module: string | null;
  /** sha256 over a local plugin's modules, null for other stages. */
  source: string | null;
  /** The resolved configuration without the stage's volatile options. */
  config: JsonObject;
  /** Digest of each connected input, by port. */
  inputs: Record<string, string>;
  /** "kind@version" of each output, by port. */
  outputs: Record<string, string>;
  /** The stage's seed. */
  seed: string;
  /** Digest of each file or folder outside the pipeline, by its path from the pipeline's folder. */
  files: Record<string, string>;
};

/** The seed of a stage: of the run's seed and the stage's id. */
export function stageSeed(pipeline: ResolvedPipeline, stageId: string): string {
  return `${pipeline.seed}/${stageId}`;
}

/** Puts the parts of a stage's cache key together. */
export function keyParts(
  pipeline: ResolvedPipeline,
  resolved: ResolvedStage,
  inputs: Record<string, string>,
  files: Record<string, string>,
): KeyParts {
  const { stage } = resolved;
  const volatile = new Set(stage.volatile ?? []);
  const config = Object.entries(resolved.configJson).filter(([name]) => !volatile.has(name));
  const outputs: Record<string, string> = {};
  for (const [port, type] of Object.entries(stage.outputs as AnyOutputs)) {
    outputs[port] = `${type.kind}@${type.version}`;
  }
  return {
    contract: API_VERSION,
    stage: stage.name,
    version: stage.version,
    module: /^(npm|jsr):/.test(resolved.uses) ? resolved.uses : null,
    source: resolved.sourceDigest ?? null,
    config: Object.fromEntries(config),
    inputs,
    outputs,
    seed: stageSeed(pipeline, resolved.id),
    files,
  };
}

type AnyOutputs = Record<string, { kind: string; version: number }>;

/** The cache key: sha256 of the parts' canonical JSON. */
export function cacheKey(parts: KeyParts): string {
  return sha256(canonicalJson(parts));
}

/** Equal for two stages that differ in nothing but their inputs. */
export function keyWithoutInputs(parts: KeyParts): string {
  return cacheKey({ ...parts, inputs: {} });
}

const MAX_REASONS = 3;

/**
 * Says what changed between two keys' parts, most telling first, e.g.
 * `config.maxLength 512 -> 1024, input pairs changed`; at most three changes and a count.
 *
 * @param compareInputs False where the new inputs are not known yet.
 */
export function explainChange(before: KeyParts, now: KeyParts, compareInputs = true): string {
  const reasons = [
    ...(before.stage === now.stage ? [] : [`stage ${before.stage} -> ${now.stage}`]),
    ...(before.version === now.version ? [] : [`version ${before.version} -> ${now.version}`]),
    ...(before.module === now.module ? [] : [`module ${before.module} -> ${now.module}`]),
    ...(before.source === now.source ? [] : ["source changed"]),
    ...changedConfig(before.config, now.config, "config"),
    ...(compareInputs ? changedNames(before.inputs, now.inputs, "input") : []),
    ...changedNames(before.files, now.files, "file"),
    ...(before.seed === now.seed ? [] : ["seed changed"]),
    ...(equal(before.outputs, now.outputs) ? [] : ["outputs changed"]),
    ...(before.contract === now.contract
      ? []
      : [`stage contract ${before.contract} -> ${now.contract}`]),
  ];
  const rest = reasons.length - MAX_REASONS;
  return reasons.slice(0, MAX_REASONS).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function changedNames(
  before: Record<string, string>,
  now: Record<string, string>,
  what: string,
): string[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])];
  return names.filter((name) => before[name] !== now[name]).map((name) => {
    if (before[name] === undefined) return `${what} ${name} added`;
    return `${what} ${name} ${now[name] === undefined ? "removed" : "changed"}`;
  });
}

function changedConfig(before: Json | undefined, now: Json | undefined, path: string): string[] {
  if (isObject(before) && isObject(now)) {
    const names = new Set([...Object.keys(now), ...Object.keys(before)]);
    return [...names].flatMap((name) => changedConfig(before[name], now[name], `${path}.${name}`));
  }
  const [was, is] = [show(before), show(now)];
  if (before === undefined ? now === undefined : now !== undefined && equal(before, now)) return [];
  return was === is ? [`${path} changed`] : [`${path} ${was} -> ${is}`];
}

function equal(a: Json, b: Json): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: Json | undefined): string {
  if (value === undefined) return "unset";
  const text = typeof value === "string" ? value : canonicalJson(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
