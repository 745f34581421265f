/** What to type to go on with a run that stopped. */

import type { Json } from "../base/json.ts";
import { shownPath } from "./pipeline_source.ts";
import type { ResolvedPipeline } from "./resolved.ts";

/** A clause like "`oddsmith run quickstart.yaml --set seed=7` goes on from there". */
export function resumeAdvice(pipeline: ResolvedPipeline): string {
  if (pipeline.file === undefined) return "running the same pipeline again goes on from there";
  const words = ["oddsmith", "run", shownPath(pipeline.file, Deno.cwd())];
  for (const [target, value] of Object.entries(pipeline.overrides)) {
    words.push("--set", `${target}=${yamlValue(value)}`);
  }
  return `\`${words.map(shellQuote).join(" ")}\` goes on from there`;
}

/** A value as `--set` reads it: YAML, with quotes only where text would be taken for something else. */
function yamlValue(value: Json): string {
  const isPlain = typeof value === "string" && /^[a-z_][\w./-]*$/i.test(value) &&
    !/^(true|false|null)$/i.test(value);
  return isPlain ? value : JSON.stringify(value);
}

/** Quotes a word where a POSIX shell would not take it as it is. */
function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
