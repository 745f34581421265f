/** The one call of the YAML parser, which reads two environment variables whatever it parses. */

import { type Document, type LineCounter, parseDocument } from "yaml";
import { envDenied } from "./load_errors.ts";

/**
 * Parses YAML; what is wrong with the text is in the document's `errors`.
 *
 * @throws {OddsmithError} ENV_DENIED where Deno refuses the parser the environment.
 */
export function parseYaml(text: string, lineCounter?: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false });
  } catch (error) {
    throw error instanceof Deno.errors.NotCapable ? envDenied(error) : error;
  }
}
