/** `--set key=value`: parsed, and laid over what the pipeline file says. */

import type { ErrorLocation, OddsmithError } from "../../base/error.ts";
import type { Json } from "../../base/json.ts";
import { suggest } from "../../base/suggest.ts";
import { badOverride } from "./load_errors.ts";
import type { StageDraft } from "./spec.ts";
import type { NodePath, PipelineSource } from "./pipeline_source.ts";
import { parseYaml } from "./yaml_document.ts";

const SETTINGS = ["name", "seed", "device", "runsDir"];
const TARGETS = `what can be set: ${SETTINGS.join(", ")}, stages.<id>.with.<option>`;

/** One assignment: of a setting of the pipeline, or of a stage's option. */
export interface Override {
  /** As the command line has it, e.g. "--set seed=7" or "--seed 7". */
  readonly given: string;
  /** What is set, e.g. "seed". */
  readonly target: string;
  readonly path: readonly string[];
  readonly value: Json;
}

/** What a command line sets in place of the file. */
export interface GivenOverrides {
  /** Assignments such as "stages.orpo.with.beta=0.5". */
  readonly overrides?: readonly string[];
  readonly seed?: number;
  readonly device?: string;
}

/** Parses what a command line sets; assignments that cannot be used go to `problems`. */
export function parseOverrides(given: GivenOverrides, problems: OddsmithError[]): Override[] {
  const parsed = (given.overrides ?? []).flatMap((text) => {
    const override = parseOverride(text);
    if (!("problem" in override)) return [override];
    problems.push(override.problem);
    return [];
  });
  for (const target of ["seed", "device"] as const) {
    const value = given[target];
    if (value === undefined) continue;
    parsed.push({ given: `--${target} ${value}`, target, path: [target], value });
  }
  return parsed;
}

function parseOverride(text: string): Override | { problem: OddsmithError } {
  const equals = text.indexOf("=");
  if (equals < 1) {
    const hint = "write it as --set stages.orpo.with.beta=0.5";
    return { problem: badOverride(`--set ${text}`, `expected "key=value"`, hint) };
  }
  const target = text.slice(0, equals).trim();
  const path = target.split(".");
  const isOption = path[0] === "stages" && path[2] === "with" && path.length > 3;
  if (!isOption && !SETTINGS.includes(target)) {
    const hint = path[0] === "stages" ? TARGETS : suggest(target, SETTINGS, "settings") +
      ", stages.<id>.with.<option>";
    return { problem: badOverride(`--set ${text}`, `"${target}" cannot be set`, hint) };
  }
  const document = parseYaml(text.slice(equals + 1));
  const error = document.errors[0];
  if (error !== undefined) {
    return {
      problem: badOverride(
        `--set ${text}`,
        `the value is not YAML: ${error.message}`,
        "quote the value",
      ),
    };
  }
  let value: Json;
  try {
    value = document.toJS() as Json;
  } catch (error) {
    const reason = `the value is not YAML: ${(error as Error).message}`;
    return { problem: badOverride(`--set ${text}`, reason, "quote the value") };
  }
  return { given: `--set ${text}`, target, path, value };
}

/** A source whose settings are those of `overrides`; places of set values name the assignment. */
export function overrideSettings(
  source: PipelineSource,
  overrides: readonly Override[],
): PipelineSource {
  const settings = overrides.filter((override) => override.path.length === 1);
  if (settings.length === 0 || typeof source.value !== "object" || source.value === null) {
    return source;
  }
  const values = Object.fromEntries(settings.map(({ target, value }) => [target, value]));
  const places = new Map(settings.map((override) => [override.target, placeOf(override)]));
  return {
    file: source.file,
    value: { ...source.value, ...values },
    place: (path, part) =>
      (path.length === 1 ? places.get(String(path[0])) : undefined) ?? source.place(path, part),
  };
}

/** Lays one assignment of an option over a stage's draft. */
export function overrideOption(draft: StageDraft, override: Override): OddsmithError | undefined {
  const keys = override.path.slice(3);
  const result = setIn(draft.options, keys, override.value);
  if (result === undefined) {
    const hint = "the options above it are not a map or a list that reaches so far";
    return badOverride(override.given, `there is no place for it in the pipeline`, hint);
  }
  draft.options = result.value as Record<string, unknown>;
  const at = draft.at.bind(draft);
  draft.at = (path, part) =>
    startsWith(path, ["with", ...keys]) ? placeOf(override) : at(path, part);
  return undefined;
}

/** The stages' assignments whose stage is not among `ids`, as problems. */
export function unknownStageOverrides(
  overrides: readonly Override[],
  ids: readonly string[],
): OddsmithError[] {
  return overrides
    .filter(({ path }) => path.length > 1 && !ids.includes(path[1]!))
    .map(({ given, path }) =>
      badOverride(given, `no stage has the id "${path[1]}"`, suggest(path[1]!, ids, "stages"))
    );
}

function placeOf(override: Override): ErrorLocation {
  return { file: override.given };
}

function startsWith(path: NodePath, start: NodePath): boolean {
  return start.every((segment, index) => String(path[index]) === String(segment));
}

/** A copy of `into` with `value` at `keys`, or undefined where text or a short list is in the way. */
function setIn(
  into: unknown,
  keys: readonly string[],
  value: Json,
): { value: unknown } | undefined {
  const [key, ...rest] = keys;
  if (key === undefined) return { value };
  if (Array.isArray(into)) {
    const index = Number(key);
    if (!/^\d+$/.test(key) || index > into.length) return undefined;
    const inner = setIn(into[index], rest, value);
    return inner && { value: [...into.slice(0, index), inner.value, ...into.slice(index + 1)] };
  }
  if (into !== undefined && into !== null && typeof into !== "object") return undefined;
  const map = (into ?? {}) as Record<string, unknown>;
  const inner = setIn(Object.hasOwn(map, key) ? map[key] : undefined, rest, value);
  return inner && { value: { ...map, [key]: inner.value } };
}
