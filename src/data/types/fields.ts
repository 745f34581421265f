/**
 * A row's columns under the names the dataset types use: by the user's mapping, or by the names
 * that public data sets give them.
 */

import { columnMissing } from "../errors.ts";
import { isObject } from "../messages.ts";
import { RowFault } from "../row_fault.ts";

/** The fields a dataset type can read, with the column names that are understood unasked. */
export const FIELD_NAMES = {
  prompt: ["prompt", "conversations", "instruction", "question", "query"],
  chosen: ["chosen", "chosen_response", "chosen_messages", "response_chosen"],
  rejected: ["rejected", "rejected_response", "rejected_messages", "response_rejected"],
  system: ["system", "system_prompt"],
  input: ["input"],
  history: ["history"],
  tools: ["tools"],
} as const;

/** A field of a dataset type. */
export type Field = keyof typeof FIELD_NAMES;

/** Field -> column, as a user maps them. */
export type ColumnMap = Partial<Record<Field, string>>;

/** Field -> column, as it holds for one file. */
export type ResolvedColumns = Readonly<ColumnMap>;

/** A row's values by field; an absent or null column is undefined. */
export type Fields = Readonly<Partial<Record<Field, unknown>>>;

/**
 * Finds each field's column in a file. Where a set has no prompt of another name, "input" is its
 * prompt. Optional fields keep their usual name, for rows further on that have them.
 *
 * @param sample A row, or the first values of several, as `sampleRow` gives them.
 * @throws DataError COLUMN_MISSING for a mapped column that the sample lacks.
 */
export function resolveColumns(
  sample: Record<string, unknown>,
  map: ColumnMap,
  place: { file: string; row: number },
): ResolvedColumns {
  const columns: ColumnMap = {};
  const taken = new Set<string>(Object.values(map));
  for (const field of Object.keys(FIELD_NAMES) as Field[]) {
    const mapped = map[field];
    if (mapped !== undefined && !Object.hasOwn(sample, mapped)) {
      throw columnMissing(place.file, place.row, mapped, `columns.${field}`, Object.keys(sample));
    }
    const names = FIELD_NAMES[field].filter((name) => !taken.has(name));
    columns[field] = mapped ?? names.find((name) => isGiven(sample[name])) ??
      (OPTIONAL.has(field) ? names[0] : undefined);
  }
  if (columns.prompt === undefined && isGiven(sample[columns.input ?? ""])) {
    columns.prompt = columns.input;
    columns.input = undefined;
  }
  return columns;
}

const OPTIONAL: ReadonlySet<Field> = new Set(["system", "input", "history", "tools"]);

/** Each column's first value that is not null, over some rows; what the type is told by. */
export function sampleRow(rows: readonly unknown[]): Record<string, unknown> {
  const sample = new Map<string, unknown>();
  for (const row of rows) {
    if (!isObject(row)) continue;
    for (const [name, value] of Object.entries(row)) {
      if (!isGiven(sample.get(name))) sample.set(name, value);
    }
  }
  return Object.fromEntries(sample);
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Takes a row's values by field. @throws RowFault wrongType where the row is no object. */
export function pickFields(row: unknown, columns: ResolvedColumns): Fields {
  if (!isObject(row)) throw new RowFault("wrongType", "the row is not an object");
  const fields: Partial<Record<Field, unknown>> = {};
  for (const [field, column] of Object.entries(columns)) {
    if (column === undefined || !Object.hasOwn(row, column)) continue;
    fields[field as Field] = row[column] ?? undefined;
  }
  return fields;
}

/**
 * A field that must be text.
 *
 * @throws RowFault missingValue, wrongType.
 */
export function textField(fields: Fields, field: Field): string {
  const value = fields[field];
  if (value === undefined) throw new RowFault("missingValue", `"${field}" is missing`);
  if (typeof value !== "string") throw new RowFault("wrongType", `"${field}" is not text`);
  return value;
}

/** A field that may be missing, and is then empty text. @throws RowFault wrongType. */
export function optionalText(fields: Fields, field: Field): string {
  return fields[field] === undefined ? "" : textField(fields, field);
}
