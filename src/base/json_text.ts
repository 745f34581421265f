/**
 * JSON text for readers that tell integers from floats, as Python's do and JSON.stringify does not:
 * numbers that were read stay as they were written, others are floats where they are to be.
 */

import type { JsonObject } from "./json.ts";

/** What V8 has of the proposal "JSON.parse source text access", and TypeScript not yet. */
interface JsonSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(source: string): unknown;
}

const source = JSON as unknown as JsonSource;

/**
 * Writes a JSON object's text, two spaces deep, in which whole numbers of some fields keep a
 * fraction: 30 is written as 30.0.
 *
 * @param floats Names of fields, at any depth.
 */
export function jsonText(value: JsonObject, floats: ReadonlySet<string>): string {
  const asFloat = (key: string, value: unknown) =>
    floats.has(key) && Number.isSafeInteger(value) ? source.rawJSON(`${value}.0`) : value;
  return JSON.stringify(value, asFloat, 2) + "\n";
}

/**
 * Writes a JSON object's text anew, two spaces deep, with some fields set.
 *
 * @param text The object; it must parse.
 * @param fields By name; a new one comes last.
 */
export function withFields(
  text: string,
  fields: Readonly<Record<string, string | boolean>>,
): string {
  const kept = source.parse(
    text,
    (_, value, context) => typeof value === "number" ? source.rawJSON(context.source!) : value,
  ) as Record<string, unknown>;
  return JSON.stringify({ ...kept, ...fields }, null, 2) + "\n";
}
