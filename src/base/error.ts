/**
 * The one error class every layer throws at its user. Each layer makes its errors in its own
 * errors.ts, as functions; this file only says what an error carries and how it prints.
 */

/** Where in a file a problem is; `row` counts data rows from 1, `line` and `column` from 1. */
export interface ErrorLocation {
  /** As people should read it; not always a path. */
  file: string;
  /** From 1. */
  line?: number;
  /** From 1. */
  column?: number;
  /** From 1, of data files. */
  row?: number;
}

/** What an error carries beside its message. */
export interface ErrorDetails {
  /** Where the problem is. */
  location?: ErrorLocation;
  /** What the reader can do next, in one sentence. */
  hint?: string;
  /** The error beneath. */
  cause?: unknown;
}

/** Prints a location the way editors and terminals link it: `file:line:column` or `file row n`. */
export function formatLocation(location: ErrorLocation): string {
  const { file, line, column, row } = location;
  if (row !== undefined) return `${file} row ${row}`;
  return [file, line, line === undefined ? undefined : column]
    .filter((part) => part !== undefined).join(":");
}

/** Makes a layer's errors about files: code, message, hint, and where there is one the file. */
export function fileErrors(
  kind: string,
): (code: string, message: string, hint: string, file?: string, cause?: unknown) => OddsmithError {
  return (code, message, hint, file, cause) =>
    new OddsmithError(kind, code, message, {
      hint,
      location: file === undefined ? undefined : { file },
      cause,
    });
}

/**
 * An error with a stable code, a place and a hint.
 *
 * @example
 * ```ts
 * import { OddsmithError } from "./error.ts";
 * const error = new OddsmithError("DataError", "EMPTY", "Cannot train: no rows", {
 *   location: { file: "pairs.jsonl", row: 3 },
 * });
 * console.assert(error.format().startsWith("DataError EMPTY: Cannot train"));
 * ```
 */
export class OddsmithError extends Error {
  /** The layer's class of error, e.g. "PipelineError"; also `error.name`. */
  readonly kind: string;
  /** Stable, in CAPITALS; tests and scripts match on it. */
  readonly code: string;
  /** Where the problem is. */
  readonly location?: ErrorLocation;
  /** What the reader can do next. */
  readonly hint?: string;

  /** Makes an error; layers do so in their own errors.ts. */
  constructor(kind: string, code: string, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = kind;
    this.kind = kind;
    this.code = code;
    this.location = details.location;
    this.hint = details.hint;
  }

  /** The whole error as people read it: what, where, what next. No stack. */
  format(): string {
    const lines = [`${this.kind} ${this.code}: ${this.message}`];
    if (this.location) lines.push(`  at ${formatLocation(this.location)}`);
    if (this.hint) lines.push(`  hint: ${this.hint}`);
    return lines.join("\n");
  }
}
