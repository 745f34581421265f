/**
 * The JSON Schema (draft 2020-12) of pipeline files, for editors. Says what the loader checks, as
 * far as a schema can: wiring and plugins' options are beyond it.
 */

import type { Json, JsonObject } from "../../base/json.ts";
import type { AnyStage } from "../contract.ts";
import { DEFAULT_SEED, DEVICES } from "./spec.ts";
import { optionsSchema } from "./schema_options.ts";
import { kindName, portDemand } from "./stage_contract.ts";

const NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_-]*$";
const MODULE_PATTERN = "^(npm:|jsr:|file:|\\.{0,2}/)|\\.(m?[jt]s|[jt]sx)(#.+)?$";

/**
 * Writes the schema of a pipeline file, every built-in stage's inputs and options included.
 *
 * @param registry Built-in stages by name.
 */
export function pipelineSchema(registry: ReadonlyMap<string, AnyStage>): JsonObject {
  const stages = [...registry.values()];
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Oddsmith pipeline",
    description: "What to do, from data to an aligned model: stages that chain by what they give.",
    type: "object",
    required: ["name", "stages"],
    additionalProperties: false,
    properties: {
      $schema: { type: "string", description: "For editors; has no meaning in a run." },
      name: {
        type: "string",
        pattern: NAME_PATTERN,
        description: "Part of the run folders' names.",
      },
      seed: {
        type: "integer",
        minimum: 0,
        default: DEFAULT_SEED,
        description: "Of everything random: equal seeds give equal runs.",
      },
      device: {
        enum: [...DEVICES],
        default: "auto",
        description: "Where models run; auto takes WebGPU where there is an adapter.",
      },
      runsDir: {
        type: "string",
        minLength: 1,
        description:
          "Where runs are kept, from this file's folder; by default runs in the working directory.",
      },
      stages: {
        type: "array",
        minItems: 1,
        description: "The steps, in order; an input takes the nearest earlier output of its kind.",
        items: { $ref: "#/$defs/stage" },
      },
    },
    $defs: {
      stage: stageSchema(stages),
      ...Object.fromEntries(stages.map((stage) => [optionsName(stage), embeddedOptions(stage)])),
    },
  };
}

function stageSchema(stages: readonly AnyStage[]): JsonObject {
  const names = stages.map((stage): Json => ({ const: stage.name, description: stage.summary }));
  return {
    type: "object",
    required: ["uses"],
    additionalProperties: false,
    properties: {
      uses: {
        description:
          "A built-in stage, or a plugin: a path, npm: or jsr: specifier, with #export " +
          "where it is not the default one.",
        anyOf: [...names, { type: "string", pattern: MODULE_PATTERN, description: "A plugin." }],
      },
      id: {
        type: "string",
        pattern: NAME_PATTERN,
        description: "What references and --set call the stage; by default its name.",
      },
      inputs: {
        type: ["object", "null"],
        description: `Where inputs come from, if not the nearest: port -> "stage-id.port".`,
        additionalProperties: { type: "string", minLength: 1 },
      },
      with: { type: ["object", "null"], description: "The stage's options." },
    },
    allOf: stages.map(builtinRule),
  };
}

/** What holds for an entry that uses a built-in stage. */
function builtinRule(stage: AnyStage): JsonObject {
  const options = optionsSchema(stage);
  const needsOptions = Array.isArray(options?.required) && options.required.length > 0;
  return {
    if: { required: ["uses"], properties: { uses: { const: stage.name } } },
    then: {
      ...(needsOptions ? { required: ["with"] } : {}),
      properties: {
        inputs: inputsSchema(stage),
        with: { $ref: `#/$defs/${optionsName(stage)}` },
      },
    },
  };
}

function inputsSchema(stage: AnyStage): JsonObject {
  const inputs: Record<string, Parameters<typeof portDemand>[0]> = stage.inputs;
  const ports = Object.entries(inputs).map(([port, declared]): [string, Json] => {
    const { type, optional } = portDemand(declared);
    const description = `Takes "${kindName(type)}"${optional ? "; may be absent" : ""}.`;
    return [port, { type: "string", minLength: 1, description }];
  });
  return {
    type: ["object", "null"],
    additionalProperties: false,
    properties: Object.fromEntries(ports),
  };
}

function optionsName(stage: AnyStage): string {
  return `options-${stage.name}`;
}

/** A stage's own schema, its internal references moved to where it is put. */
function embeddedOptions(stage: AnyStage): JsonObject {
  const { $schema: _, ...schema } = optionsSchema(stage) ?? { type: "object" };
  const moved = moveReferences(schema, `#/$defs/${optionsName(stage)}`) as JsonObject;
  const isOptional = !Array.isArray(schema.required) || schema.required.length === 0;
  const description = `Options of ${stage.name}. ${stage.summary}`;
  return { description, ...moved, ...(isOptional ? { type: ["object", "null"] } : {}) };
}

function moveReferences(schema: Json, root: string): Json {
  if (Array.isArray(schema)) return schema.map((one) => moveReferences(one, root));
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) =>
      key === "$ref" && typeof value === "string" && value.startsWith("#")
        ? [key, root + value.slice(1)]
        : [key, moveReferences(value, root)]
    ),
  );
}
