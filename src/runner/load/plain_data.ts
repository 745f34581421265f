/** Maps and lists as data: copied, frozen, turned into JSON. Other objects are left alone. */

import type { Json } from "../../base/json.ts";

/** A copy of maps and lists, all the way down; other values are shared. */
export function clonePlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clonePlain);
  if (!isPlainMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clonePlain(inner)]));
}

/** Freezes maps and lists, all the way down, and returns the same value. */
export function deepFreeze<T>(value: T): T {
  if (!Array.isArray(value) && !isPlainMap(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/**
 * A value as JSON (undefined members left out), or the dotted path of the first part that JSON
 * cannot hold: a function, a class's instance, NaN, an infinity.
 */
export function plainJson(value: unknown, path = ""): { json: Json } | { notJson: string } {
  if (value === null || typeof value === "string" || typeof value === "boolean") {
    return { json: value };
  }
  if (typeof value === "number" && Number.isFinite(value)) return { json: value };
  const isList = Array.isArray(value);
  if (!isList && !isPlainMap(value)) return { notJson: path };
  const members: [string, Json][] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined && !isList) continue;
    const result = plainJson(inner, path === "" ? key : `${path}.${key}`);
    if ("notJson" in result) return result;
    members.push([key, result.json]);
  }
  return { json: isList ? members.map(([, json]) => json) : Object.fromEntries(members) };
}

/** True of object literals and the like: maps, not instances of classes. */
function isPlainMap(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
