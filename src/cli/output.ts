/** Writing to stdout and stderr, whole and in order. */

import { EXIT } from "./exit_code.ts";
import type { InputStream } from "./input.ts";

/** A stream that can be written to at once, such as Deno.stdout. */
export interface OutputStream {
  writeSync(bytes: Uint8Array): number;
  /** Default: it is none. */
  isTerminal?(): boolean;
}

/** Where data and where text for people go, and where input comes from. */
export interface OutputStreams {
  /** Default: the process's. */
  readonly stdin?: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

const encoder = new TextEncoder();

/**
 * Writes a text whole before it returns. A reader that has gone (`oddsmith ls | head`) ends the
 * process quietly.
 */
export function writeOutput(stream: OutputStream, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(EXIT.ok);
    throw error;
  }
}

/** Writes a value as JSON, for `--json`. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}
