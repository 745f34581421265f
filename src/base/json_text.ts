/**
 * Changes a JSON text without touching what it does not name: numbers stay as they are written, so
 * that 1.0 does not become 1. Readers that tell integers from floats (Python's) care.
 */

/** What V8 has of the proposal "JSON.parse source text access", and TypeScript not yet. */
interface JsonSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(source: string): unknown;
}

/**
 * Writes a JSON object's text anew, two spaces deep, with some fields set.
 *
 * @param text The object; it must parse.
 * @param fields By name; a new one comes last.
 */
export function withFields(text: string, fields: Readonly<Record<string, string>>): string {
  const json = JSON as unknown as JsonSource;
  const kept = json.parse(
    text,
    (_, value, { source }) => typeof value === "number" ? json.rawJSON(source!) : value,
  ) as Record<string, unknown>;
  return JSON.stringify({ ...kept, ...fields }, null, 2) + "\n";
}
