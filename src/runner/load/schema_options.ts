/** What a stage's schema says of its options, where its vendor offers JSON Schema. */

import type { JsonObject } from "../../base/json.ts";
import type { AnyStage } from "../contract.ts";
import type { NodePath } from "./pipeline_source.ts";

/** The JSON Schema (draft 2020-12) of a stage's options, or undefined where it has none. */
export function optionsSchema(stage: AnyStage): JsonObject | undefined {
  const jsonSchema = stage.config["~standard"].jsonSchema;
  if (jsonSchema === undefined) return undefined;
  try {
    return jsonSchema.input({ target: "draft-2020-12" }) as JsonObject;
  } catch {
    // A schema can hold what JSON Schema cannot say; such options are simply not described.
    return undefined;
  }
}

/** The names a map of options may hold at `path`, or undefined where the schema does not tell. */
export function optionNames(stage: AnyStage, path: NodePath): string[] | undefined {
  const root = optionsSchema(stage);
  if (root === undefined) return undefined;
  let schemas: JsonObject[] = expand(root, root);
  for (const segment of path) schemas = schemas.flatMap((schema) => below(schema, segment, root));
  const names = schemas.flatMap((schema) => Object.keys(asObject(schema.properties) ?? {}));
  return schemas.some((schema) => schema.type === "object") ? [...new Set(names)] : undefined;
}

function below(schema: JsonObject, segment: string | number, root: JsonObject): JsonObject[] {
  const next = asObject(asObject(schema.properties)?.[String(segment)]) ??
    (typeof segment === "number" ? asObject(schema.items) : asObject(schema.additionalProperties));
  return next === undefined ? [] : expand(next, root);
}

/** A schema with its references followed and its alternatives beside it. */
function expand(schema: JsonObject, root: JsonObject, depth = 0): JsonObject[] {
  if (depth > 8) return [];
  const parts: JsonObject[] = [];
  for (const key of ["anyOf", "oneOf", "allOf"]) {
    const list = schema[key];
    if (!Array.isArray(list)) continue;
    parts.push(...list.map(asObject).filter((part) => part !== undefined));
  }
  const target = typeof schema.$ref === "string" ? followRef(schema.$ref, root) : undefined;
  if (target !== undefined) parts.push(target);
  return [schema, ...parts.flatMap((part) => expand(part, root, depth + 1))];
}

function followRef(ref: string, root: JsonObject): JsonObject | undefined {
  let node: unknown = root;
  for (const part of ref.replace(/^#\/?/, "").split("/").filter((one) => one !== "")) {
    node = asObject(node)?.[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return asObject(node);
}

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as JsonObject
    : undefined;
}
