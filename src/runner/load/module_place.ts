/** What went wrong in importing a module, and where in whose code. */

import { fromFileUrl } from "@std/path";
import type { ErrorLocation } from "../../base/error.ts";
import { shownPath } from "./pipeline_source.ts";

// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[0-9;]*m/g;

/** An import's error as one line, without its stack or colours. */
export function importReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll(COLOURS, "").split("\n")[0]!.trim();
}

/** The place that an import's error names: in its message (syntax) or at the top of its stack. */
export function importPlace(error: unknown, cwd: string): ErrorLocation | undefined {
  if (!(error instanceof Error)) return undefined;
  const text = `${error.message}\n${error.stack ?? ""}`.replaceAll(COLOURS, "");
  const match = /(file:\/\/[^\s)]+?):(\d+):(\d+)/.exec(text);
  if (match === null) return undefined;
  const file = shownPath(fromFileUrl(match[1]!), cwd);
  return { file, line: Number(match[2]), column: Number(match[3]) };
}
