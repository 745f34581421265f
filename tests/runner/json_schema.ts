/** As much of a JSON Schema validator as the tests of the pipeline's schema need. */

import type { Json, JsonObject } from "../../src/base/json.ts";

/** Where a value breaks a schema: paths such as "/stages/0/with/beta", empty where it fits. */
export function schemaFaults(value: Json, schema: JsonObject, root = schema, at = ""): string[] {
  if (typeof schema.$ref === "string") {
    const target = schema.$ref.slice(2).split("/").reduce<Json>((node, key) => {
      const next = (node as JsonObject)[key];
      if (next === undefined) throw new Error(`no such reference: ${schema.$ref}`);
      return next;
    }, root);
    return schemaFaults(value, target as JsonObject, root, at);
  }
  const fits = (one: Json) => schemaFaults(value, one as JsonObject, root, at).length === 0;
  const faults = simpleFault(value, schema) ? [at] : [];
  if (Array.isArray(schema.anyOf) && !schema.anyOf.some(fits)) faults.push(at);
  for (const one of (schema.allOf ?? []) as JsonObject[]) {
    faults.push(...schemaFaults(value, one, root, at));
  }
  if (schema.if && fits(schema.if)) {
    faults.push(...schemaFaults(value, schema.then as JsonObject, root, at));
  }
  if (Array.isArray(value) && schema.items) {
    value.forEach((item, index) =>
      faults.push(...schemaFaults(item, schema.items as JsonObject, root, `${at}/${index}`))
    );
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    faults.push(...objectFaults(value, schema, root, at));
  }
  return [...new Set(faults)];
}

function objectFaults(
  value: JsonObject,
  schema: JsonObject,
  root: JsonObject,
  at: string,
): string[] {
  const properties = (schema.properties ?? {}) as JsonObject;
  const faults = ((schema.required ?? []) as string[])
    .filter((key) => value[key] === undefined).map((key) => `${at}/${key}`);
  for (const [key, inner] of Object.entries(value)) {
    const rule = properties[key] ?? schema.additionalProperties ?? true;
    if (rule === false) faults.push(`${at}/${key}`);
    else if (rule !== true) {
      faults.push(...schemaFaults(inner, rule as JsonObject, root, `${at}/${key}`));
    }
  }
  return faults;
}

function simpleFault(value: Json, schema: JsonObject): boolean {
  const types = schema.type === undefined ? undefined : [schema.type].flat() as string[];
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const isOfType = types?.some((one) =>
    one === type || (one === "integer" && Number.isInteger(value))
  );
  if (isOfType === false) return true;
  if (schema.const !== undefined && schema.const !== value) return true;
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return true;
  if (typeof value === "string") {
    return value.length < Number(schema.minLength ?? 0) ||
      (typeof schema.pattern === "string" && !new RegExp(schema.pattern, "u").test(value));
  }
  if (typeof value === "number") {
    return value < Number(schema.minimum ?? -Infinity) ||
      value > Number(schema.maximum ?? Infinity) ||
      value <= Number(schema.exclusiveMinimum ?? -Infinity);
  }
  return Array.isArray(value) && value.length < Number(schema.minItems ?? 0);
}
